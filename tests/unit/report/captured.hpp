#pragma once

#include "report/terminal.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace sluice::report {

/// A stream into memory.
class CapturedStream {
 public:
  CapturedStream() : file_(::open_memstream(&text_, &size_)) {}
  ~CapturedStream() {
    std::fclose(file_);
    std::free(text_);
  }
  CapturedStream(const CapturedStream&) = delete;
  CapturedStream& operator=(const CapturedStream&) = delete;

  std::FILE* file() const { return file_; }
  std::string text() const {
    std::fflush(file_);
    return std::string(text_, size_);
  }

 private:
  char* text_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_;
};

/// Both streams of a Terminal.
struct Captured {
  CapturedStream out;
  CapturedStream err;

  TerminalOptions plain() const { return {out.file(), err.file(), false, false, false}; }
  TerminalOptions tty() const { return {out.file(), err.file(), true, true, false}; }
};

}  // namespace sluice::report

#pragma once

#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

namespace sluice::report {

struct TerminalOptions {
  std::FILE* out = nullptr;  ///< results
  std::FILE* err = nullptr;  ///< the log and the progress line
  bool out_is_terminal = false;
  bool err_is_terminal = false;  ///< and understands \r and ESC [ K
  bool colour = false;           ///< on `err`
};

/// Standard output and standard error as they are: NO_COLOR (https://no-color.org) and TERM=dumb
/// are respected.
TerminalOptions detect_terminal();

enum class Paint { none, yellow, red };

/// The two streams of the program, and a progress line that stays below whatever is written.
/// Every member may be called from any thread. Lines come without their end.
class Terminal {
 public:
  explicit Terminal(const TerminalOptions& options) : options_(options) {}
  ~Terminal();  ///< hides the progress line and flushes
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// To `out`: at once if it is a terminal, else when `flush` is called or the buffer is full.
  void print(std::string_view line);
  /// To `err`, at once: `painted` in its colour where there is one, then `line`.
  void log(Paint paint, std::string_view painted, std::string_view line);

  /// Draws, or redraws, the progress line. Nothing happens if `err` is no terminal.
  void show_progress(std::string line);
  void hide_progress();

  void flush();

  bool out_is_terminal() const noexcept { return options_.out_is_terminal; }
  bool err_is_terminal() const noexcept { return options_.err_is_terminal; }
  unsigned columns() const noexcept;  ///< of `err`, 0 if unknown

  /// The errno of the first write to `out` that failed, else 0. What is printed after that is
  /// dropped.
  int out_error() const;

 private:
  void erase_locked();
  void draw_locked();
  void flush_locked();
  void note_failure_locked();

  const TerminalOptions options_;
  mutable std::mutex mutex_;
  std::string progress_;
  bool drawn_ = false;
  int out_error_ = 0;
};

}  // namespace sluice::report

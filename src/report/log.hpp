#pragma once

#include "base/result.hpp"
#include "report/terminal.hpp"

#include "sluice/observer.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::report {

enum class Stamp : std::uint8_t { none, utc };

struct LogOptions {
  Level terminal_level = Level::info;
  Level file_level = Level::info;
  std::string file;           ///< appended to; empty: none
  Stamp stamp = Stamp::none;  ///< on the terminal; in the file each line has its time
};

/// The log: lines on standard error, and a file if one is named.
///
/// On the terminal `sluice: warning: TEXT`, or with a stamp `2024-01-02T03:04:05.678Z warning:
/// TEXT`; the level is left out where it is info. In the file `2024-01-02T03:04:05.678Z warning
/// TEXT`. Whatever could deceive a terminal is escaped. Every member may be called from any thread.
class Log {
 public:
  /// Of kind `local` if the file cannot be opened.
  static Result<std::unique_ptr<Log>> open(const LogOptions& options, Terminal& terminal);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(Level level, std::string_view text);
  /// To the file only.
  void record(Level level, std::string_view text);
  /// An error, with what is known besides its sentence on a second line.
  void write(const Error& error);

  /// Other levels from now on.
  void set_levels(Level terminal, Level file) noexcept;
  /// Opens the file anew, under its name: for whoever moved it away. What is wrong with it is told
  /// on the terminal, and the log goes on where it was.
  void reopen();

  bool records(Level level) const noexcept;  ///< whether `record` would write it
  void flush();

 private:
  struct Impl;
  explicit Log(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

std::string utc_stamp();  ///< now, as 2024-01-02T03:04:05.678Z

}  // namespace sluice::report

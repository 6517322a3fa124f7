#pragma once

#include "base/result.hpp"
#include "report/json.hpp"
#include "report/terminal.hpp"

#include "sluice/observer.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::report {

enum class Stamp : std::uint8_t { none, utc };

enum class LogFormat : std::uint8_t {
  text,     ///< for people
  json,     ///< an object a line, on the terminal and in the file
  journal,  ///< on the terminal for journald: `<4>TEXT`, without a time; the file as with `text`
};

struct LogOptions {
  Level terminal_level = Level::info;
  Level file_level = Level::info;
  std::string file;           ///< appended to; empty: none
  Stamp stamp = Stamp::none;  ///< on the terminal; in the file each line has its time
  LogFormat format = LogFormat::text;
};

/// The log: lines on standard error, and a file if one is named.
///
/// On the terminal `sluice: warning: TEXT`, or with a stamp `2024-01-02T03:04:05.678Z warning:
/// TEXT`; the level is left out where it is info. In the file `2024-01-02T03:04:05.678Z warning
/// TEXT`. As JSON (docs/events.md) `{"time":"2024-01-02T03:04:05.678Z","level":"warning",
/// "message":"TEXT",…}`. Whatever could deceive a terminal is escaped. Every member may be called
/// from any thread.
class Log {
 public:
  /// Of kind `local` if the file cannot be opened.
  static Result<std::unique_ptr<Log>> open(const LogOptions& options, Terminal& terminal);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// `facts`: what JSON has besides the sentence; see has_facts.
  void write(Level level, std::string_view text, const JsonObject& facts = {});
  /// To the file only.
  void record(Level level, std::string_view text, const JsonObject& facts = {});
  /// An error, with what is known besides its sentence on a second line, or in `error`.
  void write(const Error& error);

  /// Other levels from now on.
  void set_levels(Level terminal, Level file) noexcept;
  /// Opens the file anew, under its name: for whoever moved it away. What is wrong with it is told
  /// on the terminal, and the log goes on where it was.
  void reopen();

  bool records(Level level) const noexcept;  ///< whether `record` would write it
  bool has_facts() const noexcept;           ///< false: they would be ignored
  void flush();

 private:
  struct Impl;
  explicit Log(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

std::string utc_stamp();  ///< now, as 2024-01-02T03:04:05.678Z

}  // namespace sluice::report

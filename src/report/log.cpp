#include "report/log.hpp"

#include "base/time.hpp"
#include "report/event_stream.hpp"
#include "report/object_line.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>
#include <spdlog/details/file_helper.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <mutex>
#include <utility>

namespace sluice::report {
namespace {

spdlog::level::level_enum to_spdlog(Level level) noexcept {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

Level from_spdlog(spdlog::level::level_enum level) noexcept {
  switch (level) {
    case spdlog::level::err:
      return Level::error;
    case spdlog::level::warn:
      return Level::warning;
    case spdlog::level::debug:
      return Level::debug;
    default:
      return Level::info;
  }
}

/// As sd-daemon(3) and syslog(3) have them.
int priority_of(Level level) noexcept {
  switch (level) {
    case Level::debug:
      return 7;
    case Level::info:
      return 6;
    case Level::warning:
      return 4;
    case Level::error:
      return 3;
  }
  return 3;
}

Paint paint_of(Level level) noexcept {
  if (level == Level::error) return Paint::red;
  return level == Level::warning ? Paint::yellow : Paint::none;
}

std::string json_line(Level level, std::string_view text, const JsonObject& facts) {
  JsonObject out;
  out.text("time", utc_stamp()).text("level", name_of(level)).text("message", text);
  return out.add(facts).str();
}

/// Hands lines to the terminal, which has a lock of its own.
class TerminalSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  TerminalSink(Terminal& terminal, const LogOptions& options)
      : terminal_(terminal), stamp_(options.stamp), format_(options.format) {}

  /// As JSON `line` is the whole object.
  void show(Level level, std::string_view line) {
    if (format_ == LogFormat::json) return terminal_.log(Paint::none, "", line);
    if (format_ == LogFormat::journal)
      return terminal_.log(Paint::none, fmt::format("<{}>", priority_of(level)), line);
    std::string head = stamp_ == Stamp::utc ? utc_stamp() + ' ' : "sluice: ";
    if (level != Level::info) head += fmt::format("{}: ", name_of(level));
    terminal_.log(paint_of(level), head, line);
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    show(from_spdlog(message.level), {message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

  Terminal& terminal_;
  const Stamp stamp_;
  const LogFormat format_;
};

/// The file, which can be opened anew.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FileSink(const std::string& path) : file_(open_helper(path)) {}
  void reopen(const std::string& path) {
    auto fresh = open_helper(path);
    const std::lock_guard lock(mutex_);
    file_ = std::move(fresh);
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    file_->write(line);
  }
  void flush_() override { file_->flush(); }

  static std::unique_ptr<spdlog::details::file_helper> open_helper(const std::string& path) {
    auto file = std::make_unique<spdlog::details::file_helper>();
    file->open(path);
    return file;
  }

  std::unique_ptr<spdlog::details::file_helper> file_;
};

std::shared_ptr<FileSink> open_file(const LogOptions& options) {
  auto sink = std::make_shared<FileSink>(options.file);
  const char* pattern = options.format == LogFormat::json ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
  sink->set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  return sink;
}

/// 0 or the errno. spdlog hides it, and would make missing folders.
int try_to_append(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "ae");
  if (file == nullptr) return errno;
  std::fclose(file);
  return 0;
}

Error cannot_open(const std::string& path, int os_error) {
  return local_error(fmt::format("cannot open the log file {}", printable(path)), os_error);
}

}  // namespace

struct Log::Impl {
  spdlog::logger everywhere{"sluice"};
  spdlog::logger file{"file"};
  std::shared_ptr<TerminalSink> on_terminal;
  std::shared_ptr<FileSink> in_file;  ///< null: none
  std::string path;
  LogFormat format = LogFormat::text;

  bool is_wanted(Level level) const {
    const auto wanted = to_spdlog(level);
    return on_terminal->should_log(wanted) || (in_file && in_file->should_log(wanted));
  }
  /// What the sinks put their heads before.
  std::string line(Level level, std::string_view text, const JsonObject& facts) const {
    return format == LogFormat::json ? json_line(level, text, facts) : printable(text);
  }
};

Result<std::unique_ptr<Log>> Log::open(const LogOptions& options, Terminal& terminal) {
  auto impl = std::make_unique<Impl>();
  impl->on_terminal = std::make_shared<TerminalSink>(terminal, options);
  impl->format = options.format;
  impl->path = options.file;
  impl->everywhere.sinks().push_back(impl->on_terminal);
  impl->everywhere.set_level(spdlog::level::trace);
  impl->file.set_level(spdlog::level::off);

  if (!options.file.empty()) {
    if (const int os_error = try_to_append(options.file); os_error != 0)
      return cannot_open(options.file, os_error);
    try {
      impl->in_file = open_file(options);
      impl->everywhere.sinks().push_back(impl->in_file);
      impl->file.sinks().push_back(impl->in_file);
    } catch (const spdlog::spdlog_ex&) {
      return cannot_open(options.file, EIO);
    }
  }
  // A full disk must not end the run; the terminal is told at most once a second (spdlog's rule).
  const auto on_failure = [log = impl.get()](const std::string& reason) {
    log->on_terminal->show(Level::warning, log->line(Level::warning, "the log: " + reason, {}));
  };
  for (spdlog::logger* logger : {&impl->everywhere, &impl->file}) {
    logger->set_error_handler(on_failure);
    logger->flush_on(spdlog::level::warn);
  }
  std::unique_ptr<Log> log(new Log(std::move(impl)));
  log->set_levels(options.terminal_level, options.file_level);
  return log;
}

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Log::~Log() {
  flush();
}

void Log::write(Level level, std::string_view text, const JsonObject& facts) {
  if (!impl_->is_wanted(level)) return;
  impl_->everywhere.log(to_spdlog(level), spdlog::string_view_t(impl_->line(level, text, facts)));
}

void Log::record(Level level, std::string_view text, const JsonObject& facts) {
  if (!records(level)) return;
  impl_->file.log(to_spdlog(level), spdlog::string_view_t(impl_->line(level, text, facts)));
}

void Log::write(const Error& error) {
  if (has_facts()) {
    JsonObject facts;
    facts.object("error", error_json(error));
    return write(Level::error, error.message, facts);
  }
  write(Level::error, error.message);
  if (const std::string details = error_details(error); !details.empty())
    write(Level::error, "  the server said: " + details);
}

void Log::set_levels(Level terminal, Level file) noexcept {
  impl_->on_terminal->set_level(to_spdlog(terminal));
  if (!impl_->in_file) return;
  impl_->in_file->set_level(to_spdlog(file));
  impl_->file.set_level(to_spdlog(file));
}

void Log::reopen() {
  if (!impl_->in_file) return;
  int os_error = try_to_append(impl_->path);
  try {
    if (os_error == 0) impl_->in_file->reopen(impl_->path);
  } catch (const spdlog::spdlog_ex&) {
    os_error = EIO;
  }
  if (os_error != 0) write(cannot_open(impl_->path, os_error));
}

bool Log::records(Level level) const noexcept {
  return impl_->file.should_log(to_spdlog(level));
}

bool Log::has_facts() const noexcept {
  return impl_->format == LogFormat::json;
}

void Log::flush() {
  impl_->file.flush();
}

std::string utc_stamp() {
  return dates::format_iso_ms(unix_ms(WallClock::now()));
}

}  // namespace sluice::report

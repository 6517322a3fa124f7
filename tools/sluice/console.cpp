#include "console.hpp"

#include <fmt/format.h>

#include <csignal>

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;
using Verbosity = OutputSettings::Verbosity;

constexpr auto kTick = 200ms;
/// `--progress always` where lines cannot be redrawn.
constexpr auto kPlainLineEvery = 10s;

Level log_level(const OutputSettings& settings) {
  const bool verbose = settings.verbosity == Verbosity::verbose;
  return settings.log_level.value_or(verbose ? Level::debug : Level::info);
}

/// The journal has times of its own, also for what comes from standard output.
report::Stamp stamp_of(const OutputSettings& settings, Verb verb) {
  const bool is_stamped = verb == Verb::watch && settings.log_format != report::LogFormat::journal;
  return is_stamped ? report::Stamp::utc : report::Stamp::none;
}

report::LogOptions log_options(const OutputSettings& settings, Verb verb) {
  report::LogOptions options;
  options.file_level = log_level(settings);
  options.terminal_level =
      settings.verbosity == Verbosity::quiet ? Level::error : options.file_level;
  options.file = settings.log_file;
  options.stamp = stamp_of(settings, verb);
  options.format = settings.log_format;
  return options;
}

}  // namespace

Console::Console(const OutputSettings& settings, Verb verb)
    : settings_(settings), verb_(verb), terminal_(report::detect_terminal()) {}

Result<std::unique_ptr<Console>> Console::open(const OutputSettings& settings, Verb verb) {
  std::unique_ptr<Console> console(new Console(settings, verb));
  auto log = report::Log::open(log_options(settings, verb), console->terminal_);
  if (!log) return log.error();
  console->log_ = *std::move(log);

  report::ReporterOptions options;
  if (settings.json) console->events_ = std::make_unique<report::EventStream>(console->terminal_);
  options.events = console->events_.get();
  options.event_level = log_level(settings);
  options.details = settings.verbosity == Verbosity::verbose;
  options.stamp = stamp_of(settings, verb);
  // On a terminal the progress line says how far it is; a line a file would only scroll it away.
  const bool progress_suffices =
      verb == Verb::sync && console->draws_progress() && console->terminal_.out_is_terminal();
  options.results = options.details || (!console->is_quiet() && !progress_suffices);
  console->reporter_ =
      std::make_unique<report::Reporter>(options, console->terminal_, *console->log_);
  return console;
}

void Console::reload(const OutputSettings& settings) {
  const report::LogOptions options = log_options(settings, verb_);
  log_->set_levels(options.terminal_level, options.file_level);
  log_->reopen();
  reporter_->set_event_level(log_level(settings));
}

Console::~Console() {
  stop();
}

void Console::print_text(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  terminal_.print(text);
}

bool Console::draws_progress() const noexcept {
  if (settings_.progress == OutputSettings::Progress::never || verb_ == Verb::ls ||
      verb_ == Verb::status || verb_ == Verb::changes || verb_ == Verb::doctor ||
      verb_ == Verb::bench)
    return false;
  if (!terminal_.err_is_terminal()) return false;
  return settings_.progress == OutputSettings::Progress::always || !is_quiet();
}

void Console::start(std::function<std::optional<Snapshot>()> look) {
  next_plain_line_ = std::chrono::steady_clock::now() + kPlainLineEvery;
  ticker_ = std::thread([this, look = std::move(look)] { run(look); });
}

void Console::stop() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  if (ticker_.joinable()) ticker_.join();
  terminal_.hide_progress();
  terminal_.flush();
  if (log_) log_->flush();
}

void Console::run(const std::function<std::optional<Snapshot>()>& look) {
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, kTick, [this] { return ending_; })) {
    lock.unlock();
    tick(look());
    terminal_.flush();
    log_->flush();
    lock.lock();
  }
}

void Console::tick(const std::optional<Snapshot>& snapshot) {
  if (!snapshot) return terminal_.hide_progress();
  if (draws_progress()) {
    const unsigned columns = terminal_.columns();
    // The last column stays free: some terminals wrap as soon as it is written.
    terminal_.show_progress(
        line_.render(snapshot->progress, snapshot->elapsed, columns == 0 ? 0 : columns - 1));
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  if (settings_.progress != OutputSettings::Progress::always || now < next_plain_line_) return;
  next_plain_line_ = now + kPlainLineEvery;
  const std::string line = line_.render(snapshot->progress, snapshot->elapsed, 0);
  if (settings_.log_format == report::LogFormat::text)
    terminal_.log(report::Paint::none, "sluice:", line);
  else
    log_->write(Level::info, line.substr(line.find_first_not_of(' ')));
}

void print_error(const Error& error) {
  report::Terminal terminal(report::detect_terminal());
  const auto log = report::Log::open({}, terminal);
  if (log) (*log)->write(error);
}

std::string stopping_text(int signal) {
  return fmt::format("stopping in order because of {}; another one exits at once",
                     signal == SIGINT    ? "SIGINT"
                     : signal == SIGTERM ? "SIGTERM"
                                         : "SIGHUP");
}

}  // namespace sluice::cli

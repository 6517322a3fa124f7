#include "base/text.hpp"
#include "base/units.hpp"
#include "hook.hpp"
#include "mirror_run.hpp"
#include "report/summary_text.hpp"
#include "status_server.hpp"
#include "verbs.hpp"
#include "watch_monitor.hpp"
#include "watch_state.hpp"

#include "sluice/mirror.hpp"

#include <fmt/format.h>

#include <memory>
#include <unistd.h>
#include <utility>
#include <vector>

namespace sluice::cli {
namespace {

using std::chrono::milliseconds;

std::string source_text(const SourceOptions& source) {
  std::string uri = "s3://" + text::escaped(source.bucket);
  if (!source.prefix.empty()) uri += '/' + text::escaped(source.prefix);
  return uri;
}

std::string next_try(const Outlook& outlook) {
  if (!outlook.next)
    return fmt::format("that was failure {} in a row, and the last try", outlook.failures);
  if (outlook.next->count() == 0) return "tried again now";
  return "tried again in " + units::format_duration(*outlook.next);
}

/// For the service manager.
std::string status_line(const PassSummary& summary, const Outlook& outlook) {
  if (summary.interrupted) return "stopping";
  if (summary.failure)
    return fmt::format("{} {} in a row failed, {}: {}", outlook.failures,
                       outlook.failures == 1 ? "pass" : "passes", next_try(outlook),
                       summary.failure->message);
  const std::string next =
      outlook.next ? "; the next in " + units::format_duration(*outlook.next) : "";
  return fmt::format("last pass: {}{}", report::pass_line(summary), next);
}

LiveOptions live_options(const Settings& settings) {
  LiveOptions live;
  live.interval = settings.watch.interval;
  live.jitter_percent = settings.watch.jitter_percent;
  live.filters = settings.mirror.filters;
  live.bytes_per_second = settings.mirror.tuning.bytes_per_second;
  live.timetable = settings.mirror.tuning.timetable;
  live.requests_per_second = settings.mirror.tuning.requests_per_second;
  return live;
}

/// Whether all is the same but what a running watch can be told anew.
bool differs_elsewhere(const Settings& now, const Settings& then) {
  MirrorOptions a = now.mirror;
  MirrorOptions b = then.mirror;
  for (MirrorOptions* options : {&a, &b}) {
    options->filters.clear();
    options->tuning.bytes_per_second = 0;
    options->tuning.timetable.clear();
    options->tuning.requests_per_second = 0;
  }
  return a != b || now.watch.max_failures != then.watch.max_failures ||
         now.watch.max_duration != then.watch.max_duration ||
         now.watch.max_passes != then.watch.max_passes || now.listen != then.listen ||
         now.prices != then.prices || now.hook != then.hook ||
         now.output.log_file != then.output.log_file ||
         now.output.log_format != then.output.log_format || now.output.json != then.output.json;
}

std::string limit_text(std::uint64_t rate, bool is_size) {
  if (rate == 0) return "none";
  return is_size ? units::format_size(rate) + "/s" : fmt::format("{}/s", rate);
}

/// What is new, as "interval 60s -> 30s, 2 filters"; empty if nothing is.
std::string live_changes(const LiveOptions& then, const LiveOptions& now) {
  std::vector<std::string> parts;
  const auto note = [&parts](std::string_view name, const std::string& was, const std::string& is) {
    if (was != is) parts.push_back(fmt::format("{} {} -> {}", name, was, is));
  };
  note("interval", units::format_duration(then.interval), units::format_duration(now.interval));
  note("jitter", fmt::format("{}%", then.jitter_percent), fmt::format("{}%", now.jitter_percent));
  note("bwlimit", limit_text(then.bytes_per_second, true), limit_text(now.bytes_per_second, true));
  note("tpslimit", limit_text(then.requests_per_second, false),
       limit_text(now.requests_per_second, false));
  if (then.timetable != now.timetable)
    parts.push_back(now.timetable.empty() ? "no timetable any more" : "another timetable");
  if (then.filters != now.filters)
    parts.push_back(fmt::format("{} {}, from the next pass on",
                                now.filters.empty() ? "no" : std::to_string(now.filters.size()),
                                now.filters.size() == 1 ? "filter" : "filters"));
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// What SIGHUP does.
class Reload {
 public:
  Reload(MirrorRun& run, WatchMonitor& monitor, WatchState& state, const Settings& settings,
         std::function<Result<Settings>()> read_again)
      : run_(run),
        monitor_(monitor),
        state_(state),
        began_with_(settings),
        live_(live_options(settings)),
        read_again_(std::move(read_again)),
        on_terminal_(::isatty(STDERR_FILENO) == 1) {}

  /// False where the hang-up is that of our terminal, which is a reason to stop.
  bool operator()() {
    if (on_terminal_ && ::isatty(STDERR_FILENO) != 1) return false;
    report::Log& log = run_.console().log();
    const auto settings = read_again_();
    if (!settings) {
      Error error = settings.error();
      error.message += "; nothing was reloaded, the watch goes on as before";
      log.write(error);
      return true;
    }
    run_.service().reloading();
    run_.console().reload(settings->output);
    LiveOptions now = live_options(*settings);
    const std::string changes = live_changes(live_, now);
    log.write(Level::info, "reloaded: " + (changes.empty() ? "nothing has changed" : changes));
    if (differs_elsewhere(*settings, began_with_))
      log.write(
          Level::warning,
          "other settings have changed too; they count once sluice is started again (interval, "
          "jitter, filters, bwlimit, tpslimit and the level of the log count at once)");
    live_ = now;
    monitor_.on_reload(now);
    state_.on_reload(now);
    run_.mirror().reload(std::move(now));
    run_.service().reloaded();
    return true;
  }

 private:
  MirrorRun& run_;
  WatchMonitor& monitor_;
  WatchState& state_;
  const Settings began_with_;
  LiveOptions live_;  ///< what counts now
  const std::function<Result<Settings>()> read_again_;
  const bool on_terminal_;
};

/// After this the service manager is not told any more that all is well.
constexpr auto kMostSilence = std::chrono::seconds(30);

/// Mirrors that are watched keep a journal of their changes.
Result<Settings> complete(Settings settings) {
  settings.watch.track_transfers = settings.listen.has_value();
  if (!settings.mirror.journal_rows) settings.mirror.journal_rows = kDefaultJournalRows;
  if (*settings.mirror.journal_rows == 0 && Hook::is_wanted(settings.hook))
    return Error(ErrorKind::usage,
                 "--exec and --touch-file go by the journal: leave out --journal 0");
  return settings;
}

/// The log of passes, and what the progress line needs to know of them.
class PassLog {
 public:
  explicit PassLog(Console& console) : console_(console) {}

  void on_pass(const PassSummary& summary, const Outlook& outlook) {
    if (auto* events = console_.events()) events->pass_finished(summary, exit_status(summary));
    log(summary, outlook);
    const std::lock_guard lock(mutex_);
    first_ = false;
    last_ = summary.progress;
    is_idle_ = true;
  }

  bool any() {
    const std::lock_guard lock(mutex_);
    return !first_;
  }

  /// Between two passes the engine's snapshot stays that of the last one.
  std::optional<Console::Snapshot> look(const Progress& progress) {
    const std::lock_guard lock(mutex_);
    if (is_idle_ && progress.listing_done == last_.listing_done &&
        progress.listed == last_.listed && progress.fetched_bytes == last_.fetched_bytes)
      return std::nullopt;
    const auto now = std::chrono::steady_clock::now();
    if (is_idle_) began_ = now;
    is_idle_ = false;
    return Console::Snapshot{progress, std::chrono::duration_cast<milliseconds>(now - began_)};
  }

 private:
  void log(const PassSummary& summary, const Outlook& outlook) {
    if (summary.interrupted) return;
    if (summary.failure) {
      Error error = *summary.failure;
      error.message += "; " + next_try(outlook);
      console_.log().write(error);
      return;
    }
    if (summary.guard) console_.log().write(*summary.guard);
    const Level level = first_ || report::is_eventful(summary) ? Level::info : Level::debug;
    console_.log().write(level, "pass done: " + report::pass_line(summary));
  }

  Console& console_;
  std::mutex mutex_;
  bool first_ = true;
  bool is_idle_ = false;
  Progress last_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// Without --listen there is none.
Result<std::unique_ptr<StatusServer>> serve(const Settings& settings, MirrorRun& run,
                                            WatchMonitor& monitor) {
  if (!settings.listen) return std::unique_ptr<StatusServer>();
  run.console().observer().also_tell(monitor);
  StatusServer::Calls calls;
  calls.look = [&monitor] { return monitor.view(); };
  calls.tick = [&monitor] { monitor.tick(); };
  auto server = StatusServer::start(*settings.listen, std::move(calls));
  if (!server) return server;
  report::Log& log = run.console().log();
  log.write(Level::info, "the state of the watch is at " + (*server)->url());
  if (!is_loopback(settings.listen->host))
    log.write(Level::warning,
              "whoever reaches this address may read the names of buckets, folders and keys there, "
              "without a password: keep it from strangers");
  return server;
}

}  // namespace

int run_watch(const Settings& asked, Signals& signals,
              std::function<Result<Settings>()> read_again) {
  const auto settings = complete(asked);
  if (!settings) {
    print_error(settings.error());
    return static_cast<int>(exit_status(settings.error()));
  }
  const auto begun = MirrorRun::begin(*settings, Verb::watch, signals);
  if (!begun) {
    print_error(begun.error());
    return static_cast<int>(exit_status(begun.error()));
  }
  MirrorRun& run = **begun;
  Console& console = run.console();
  signals.on_user_signal([&run] {
    run.console().log().write(Level::info, "SIGUSR1: a pass begins at once");
    run.mirror().pass_now();
  });
  WatchMonitor monitor(run.mirror(), source_text(settings->mirror.source), settings->mirror.dir,
                       live_options(*settings), settings->prices);
  auto server = serve(*settings, run, monitor);
  if (!server) {
    const Error error = server.error();
    console.log().write(error);
    run.end(static_cast<int>(exit_status(error)), &error);
  }
  WatchState state(settings->mirror.dir, settings->watch.interval,
                   *server ? (*server)->url() : std::string());
  console.observer().also_tell(state);
  const auto reload = std::make_shared<Reload>(run, monitor, state, asked, std::move(read_again));
  signals.on_hangup([reload] { return (*reload)(); });
  std::unique_ptr<Hook> hook;
  if (Hook::is_wanted(settings->hook)) hook = std::make_unique<Hook>(*settings, console.log());

  PassLog passes(console);
  console.start([&] {
    if (run.mirror().silence() < kMostSilence) {
      run.service().alive();
      state.beat();
    }
    return passes.look(run.mirror().progress());
  });
  console.log().write(Level::info, fmt::format("watching {}, into {}, every {}",
                                               source_text(settings->mirror.source),
                                               text::escaped(settings->mirror.dir),
                                               units::format_duration(settings->watch.interval)));
  const PassSummary last = run.mirror().watch(
      settings->watch,
      [&run, &passes, &hook, &monitor, &state](const PassSummary& summary, const Outlook& outlook) {
        passes.on_pass(summary, outlook);
        monitor.on_pass(summary, outlook);
        state.on_pass(summary, outlook);
        run.service().status(status_line(summary, outlook));
        if (hook) hook->pass_ended();
      });
  if (hook) hook->finish([&signals] { return signals.exit_status() != 0; });
  hook.reset();
  *server = nullptr;
  console.stop();
  state.end();

  if (signals.exit_status() != 0) run.end(signals.exit_status(), nullptr);
  // A mirror that could not be opened: nobody has told of that yet.
  if (last.failure && !passes.any()) console.log().write(*last.failure);
  run.end(static_cast<int>(exit_status(last)), last.failure ? &*last.failure : nullptr);
}

}  // namespace sluice::cli

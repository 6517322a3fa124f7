#include "hook.hpp"

#include "base/text.hpp"
#include "base/units.hpp"
#include "report/change_line.hpp"

#include "sluice/changes.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

extern char** environ;

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kPage = 1000;
/// How often the end of the command is looked for.
constexpr auto kLook = 20ms;
/// Between SIGTERM and SIGKILL.
constexpr auto kGrace = 2s;

std::string cursor_path(const std::string& dir) {
  return dir + "/.sluice/exec-cursor";
}

/// A file without a name, in the directory of the mirror: memory stays flat however much changed.
int open_nameless(const std::string& dir) {
  const int file = ::open((dir + "/.sluice").c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  return file >= 0 ? file : ::memfd_create("changes", MFD_CLOEXEC);
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string ending_of(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was ended by signal {}", WTERMSIG(status));
  return fmt::format("ended with {}", WEXITSTATUS(status));
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts)
    out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Hook::Hook(const Settings& settings, report::Log& log)
    : mirror_(settings.mirror), settings_(settings.hook), log_(log) {
  load_cursor();
  thread_ = std::thread([this] { run(); });
}

Hook::~Hook() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Hook::pass_ended() {
  {
    const std::lock_guard lock(mutex_);
    has_work_ = true;
  }
  wake_.notify_all();
}

void Hook::finish(const std::function<bool()>& is_over) {
  std::unique_lock lock(mutex_);
  while ((has_work_ || is_busy_) && !is_over())
    wake_.wait_for(lock, kLook);
}

bool Hook::is_ending() {
  const std::lock_guard lock(mutex_);
  return ending_;
}

void Hook::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return has_work_ || ending_; });
      if (ending_) return;
      has_work_ = false;
      is_busy_ = true;
    }
    act();
    {
      const std::lock_guard lock(mutex_);
      is_busy_ = false;
    }
    wake_.notify_all();
  }
}

void Hook::act() {
  const auto batch = collect();
  if (!batch) return;
  if (batch->count > 0) {
    touch();
    const bool done = settings_.command.empty() || run_command(*batch);
    if (done || settings_.on_failure == HookSettings::OnFailure::skip) {
      cursor_ = batch->until;
      save_cursor();
    }
  }
  ::close(batch->file);
}

std::optional<Hook::Batch> Hook::collect() {
  Batch batch;
  batch.file = open_nameless(mirror_.dir);
  if (batch.file < 0) {
    log_.write(local_error("cannot make a file for the changes", errno));
    return std::nullopt;
  }
  bool first = true;
  for (;;) {
    const auto read = read_changes(mirror_.dir, batch.until, kPage);
    if (const auto* error = std::get_if<Error>(&read)) {
      log_.write(*error);
      ::close(batch.file);
      return std::nullopt;
    }
    const auto& list = std::get<ChangeList>(read);
    if (std::exchange(first, false)) {
      // The journal is new: all of it came since the hook was there.
      if (!cursor_) {
        cursor_ = list.begins;
        save_cursor();
      }
      batch.has_gap = !list.covers(*cursor_);
      batch.since = batch.has_gap ? list.begins : *cursor_;
      batch.until = batch.since;
      if (batch.has_gap)
        log_.write(Level::warning,
                   "the journal has lost changes that --exec was not told of: SLUICE_GAP=1");
      continue;
    }
    for (const Change& change : list.changes) {
      if (!write_all(batch.file, report::change_json(change) + '\n')) {
        log_.write(local_error("cannot write the changes for --exec", errno));
        ::close(batch.file);
        return std::nullopt;
      }
      batch.until = change.seq;
      ++batch.count;
    }
    if (list.changes.size() < kPage) return batch;
  }
}

void Hook::touch() {
  if (settings_.touch_file.empty()) return;
  const int file =
      ::open(settings_.touch_file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  const bool touched = file >= 0 && ::futimens(file, nullptr) == 0;
  if (!touched)
    log_.write(local_error("cannot touch " + text::escaped(settings_.touch_file), errno));
  if (file >= 0) ::close(file);
}

bool Hook::run_command(const Batch& batch) {
  const int pid = start(batch);
  if (pid < 0) return false;
  const auto status = wait_for(pid);
  const std::string what = "--exec " + text::escaped(settings_.command);
  const std::string next = settings_.on_failure == HookSettings::OnFailure::retry
                               ? "; its changes are handed out again after the next pass"
                               : "; its changes are not handed out again";
  if (!status) {
    if (!is_ending())
      log_.write(Level::error, fmt::format("{} took more than {} and was ended{}", what,
                                           units::format_duration(settings_.timeout), next));
    return false;
  }
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == 0) {
    log_.write(Level::debug, fmt::format("{}: done, {} changes", what, batch.count));
    return true;
  }
  log_.write(Level::error, fmt::format("{} {}{}", what, ending_of(*status), next));
  return false;
}

/// Its process id, -1 if it cannot be started.
int Hook::start(const Batch& batch) {
  ::lseek(batch.file, 0, SEEK_SET);
  std::vector<std::string> environment;
  const auto set = [&environment](std::string_view name, const std::string& value) {
    environment.push_back(fmt::format("{}={}", name, value));
  };
  set("SLUICE_CHANGES", std::to_string(batch.count));
  set("SLUICE_CHANGES_SINCE", std::to_string(batch.since));
  set("SLUICE_CHANGES_UNTIL", std::to_string(batch.until));
  set("SLUICE_GAP", batch.has_gap ? "1" : "0");
  set("SLUICE_DIR", mirror_.dir);
  set("SLUICE_BUCKET", mirror_.source.bucket);
  set("SLUICE_PREFIX", mirror_.source.prefix);
  // Of two with a name the first counts.
  for (char** entry = environ; *entry != nullptr; ++entry)
    environment.emplace_back(*entry);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, batch.file, STDIN_FILENO);
  // Standard output has our results.
  ::posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigset_t none;
  sigfillset(&defaults);
  sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);

  std::vector<std::string> words = {"/bin/sh", "-c", settings_.command};
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, "/bin/sh", &actions, &attributes, pointers(words).data(),
                                  pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error == 0) return pid;
  log_.write(local_error("cannot start /bin/sh for --exec", error));
  return -1;
}

/// Its status; nothing if it took too long, or we are at our end, and it was ended.
std::optional<int> Hook::wait_for(int pid) {
  const auto deadline = std::chrono::steady_clock::now() + settings_.timeout;
  std::unique_lock lock(mutex_);
  for (;;) {
    int status = 0;
    if (::waitpid(pid, &status, WNOHANG) == pid) return status;
    if (ending_ || std::chrono::steady_clock::now() >= deadline) break;
    wake_.wait_for(lock, kLook, [this] { return ending_; });
  }
  lock.unlock();
  end_group(pid);
  return std::nullopt;
}

void Hook::end_group(int pid) {
  ::kill(-pid, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + kGrace;
  bool ended = false;
  while (!ended && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kLook);
    ended = ::waitpid(pid, nullptr, WNOHANG) == pid;
  }
  ::kill(-pid, SIGKILL);  // and what it left behind
  if (!ended) ::waitpid(pid, nullptr, 0);
}

void Hook::load_cursor() {
  std::ifstream file(cursor_path(mirror_.dir));
  std::string line;
  if (std::getline(file, line))
    if (const auto number = text::parse_uint(line)) cursor_ = *number;
  if (cursor_) return;
  // A new hook is told what comes from now on.
  const auto read = read_changes(mirror_.dir, 0, 1);
  if (const auto* list = std::get_if<ChangeList>(&read)) {
    cursor_ = list->newest;
    save_cursor();
  }
}

void Hook::save_cursor() {
  const std::string path = cursor_path(mirror_.dir);
  const std::string fresh = path + ".new";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool written = file >= 0 && write_all(file, std::to_string(*cursor_) + '\n');
  const int error = errno;
  if (file >= 0) ::close(file);
  if (!written || std::rename(fresh.c_str(), path.c_str()) != 0)
    log_.write(local_error("cannot write " + text::escaped(path), written ? errno : error));
}

}  // namespace sluice::cli

#include "watch_state.hpp"

#include "base/text.hpp"
#include "base/time.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace sluice::cli {
namespace {

std::string state_path(const std::string& dir) {
  return dir + "/.sluice/watch";
}

std::string text_of(const report::LiveWatch& watch) {
  std::string out = fmt::format("pid {}\nstarted_ms {}\ninterval_ms {}\n", ::getpid(),
                                watch.started_ms, watch.interval.count());
  if (!watch.url.empty()) out += fmt::format("url {}\n", watch.url);
  if (watch.next_pass_ms) out += fmt::format("next_pass_ms {}\n", *watch.next_pass_ms);
  return out + fmt::format("list_requests {}\n", watch.list_requests);
}

}  // namespace

WatchState::WatchState(const std::string& dir, std::chrono::milliseconds interval, std::string url)
    : path_(state_path(dir)) {
  now_.started_ms = unix_ms(WallClock::now());
  now_.interval = interval;
  now_.url = std::move(url);
}

void WatchState::on_pass_started() {
  const std::lock_guard lock(mutex_);
  is_ours_ = true;
  now_.next_pass_ms.reset();
  write_locked();
}

void WatchState::on_pass(const PassSummary& summary, const Outlook& outlook) {
  const std::lock_guard lock(mutex_);
  if (outlook.next) now_.next_pass_ms = unix_ms(WallClock::now()) + outlook.next->count();
  if (summary.listing_complete) now_.list_requests = summary.requests.list;
  write_locked();
}

void WatchState::on_reload(const LiveOptions& live) {
  const std::lock_guard lock(mutex_);
  now_.interval = live.interval;
  write_locked();
}

void WatchState::beat() {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (!is_ours_ || now - written_ < kBeat) return;
  written_ = now;
  ::utimensat(AT_FDCWD, path_.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
}

void WatchState::end() {
  const std::lock_guard lock(mutex_);
  if (is_ours_) ::unlink(path_.c_str());
  is_ours_ = false;
}

void WatchState::write_locked() {
  if (!is_ours_) return;
  written_ = std::chrono::steady_clock::now();
  const std::string fresh = path_ + ".new";
  const int file =
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (file < 0) return;
  const std::string text = text_of(now_);
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  if (!written || std::rename(fresh.c_str(), path_.c_str()) != 0) ::unlink(fresh.c_str());
}

std::optional<report::LiveWatch> read_watch_state(const std::string& dir, std::uint64_t pid) {
  constexpr std::size_t kMostLines = 32;
  const std::string path = state_path(dir);
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return std::nullopt;
  std::map<std::string, std::string> values;
  std::ifstream file(path);
  for (std::string line; values.size() < kMostLines && std::getline(file, line);)
    if (const std::size_t blank = line.find(' '); blank != std::string::npos)
      values[line.substr(0, blank)] = line.substr(blank + 1);
  const auto number = [&values](const char* name) -> std::optional<std::int64_t> {
    const auto read = text::parse_uint(values[name]);
    if (!read || *read > INT64_MAX) return std::nullopt;
    return static_cast<std::int64_t>(*read);
  };
  if (pid == 0 || number("pid") != static_cast<std::int64_t>(pid)) return std::nullopt;
  report::LiveWatch out;
  out.started_ms = number("started_ms").value_or(0);
  out.heard_ms =
      static_cast<std::int64_t>(st.st_mtim.tv_sec) * 1000 + st.st_mtim.tv_nsec / 1'000'000;
  out.interval = std::chrono::milliseconds(number("interval_ms").value_or(0));
  out.url = values["url"];
  out.next_pass_ms = number("next_pass_ms");
  out.list_requests = static_cast<std::uint64_t>(number("list_requests").value_or(0));
  return out;
}

}  // namespace sluice::cli

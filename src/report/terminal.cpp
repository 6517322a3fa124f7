#include "report/terminal.hpp"

#include <cerrno>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace sluice::report {
namespace {

constexpr std::string_view kErase = "\r\x1b[K";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kPlain = "\x1b[0m";

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

void put(std::FILE* file, std::string_view text) {
  // A log that cannot be written has nowhere to say so.
  [[maybe_unused]] const std::size_t written = std::fwrite(text.data(), 1, text.size(), file);
}

}  // namespace

TerminalOptions detect_terminal() {
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
  TerminalOptions options;
  options.out = stdout;
  options.err = stderr;
  options.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  options.err_is_terminal = ::isatty(STDERR_FILENO) == 1 && !dumb;
  options.colour = options.err_is_terminal && !is_set("NO_COLOR");
  return options;
}

Terminal::~Terminal() {
  const std::lock_guard lock(mutex_);
  erase_locked();
  flush_locked();
}

void Terminal::print(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (out_error_ != 0) return;
  if (options_.out_is_terminal) erase_locked();
  errno = 0;
  const bool written = std::fwrite(line.data(), 1, line.size(), options_.out) == line.size() &&
                       std::fputc('\n', options_.out) != EOF;
  if (!written) return note_failure_locked();
  if (!options_.out_is_terminal) return;
  flush_locked();
  draw_locked();
}

void Terminal::log(Paint paint, std::string_view painted, std::string_view line) {
  const std::lock_guard lock(mutex_);
  // One write a line: other processes may share the terminal.
  std::string text(drawn_ ? kErase : "");
  drawn_ = false;
  const bool coloured = options_.colour && paint != Paint::none;
  if (coloured) text += paint == Paint::red ? kRed : kYellow;
  text += painted;
  if (coloured) text += kPlain;
  text += line;
  text += '\n';
  put(options_.err, text);
  draw_locked();
  std::fflush(options_.err);
}

void Terminal::show_progress(std::string line) {
  if (!options_.err_is_terminal) return;
  const std::lock_guard lock(mutex_);
  progress_ = std::move(line);
  draw_locked();
  std::fflush(options_.err);
}

void Terminal::hide_progress() {
  const std::lock_guard lock(mutex_);
  erase_locked();
  progress_.clear();
}

void Terminal::flush() {
  const std::lock_guard lock(mutex_);
  flush_locked();
}

unsigned Terminal::columns() const noexcept {
  winsize size{};
  const int fd = ::fileno(options_.err);
  if (fd < 0 || ::ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

int Terminal::out_error() const {
  const std::lock_guard lock(mutex_);
  return out_error_;
}

void Terminal::erase_locked() {
  if (!drawn_) return;
  drawn_ = false;
  put(options_.err, kErase);
  std::fflush(options_.err);
}

void Terminal::draw_locked() {
  if (progress_.empty()) return;
  put(options_.err, std::string(kErase) + progress_);
  drawn_ = true;
}

void Terminal::flush_locked() {
  errno = 0;
  if (std::fflush(options_.out) != 0) note_failure_locked();
}

void Terminal::note_failure_locked() {
  if (out_error_ == 0) out_error_ = errno != 0 ? errno : EIO;
}

}  // namespace sluice::report

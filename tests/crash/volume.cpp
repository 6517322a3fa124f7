#include "volume.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <linux/loop.h>
#include <random>
#include <sched.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

extern char** environ;

namespace sluice::crash {

using namespace std::chrono_literals;

namespace {

// EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are one number. 2 is "without flushing the log"
// (EXT4_GOING_FLAGS_NOLOGFLUSH, XFS_FSOP_GOING_FLAGS_NOLOGFLUSH).
constexpr unsigned long kShutdown = _IOR('X', 125, std::uint32_t);
constexpr std::uint32_t kWithoutLogFlush = 2;

void check(bool succeeded, const std::string& what) {
  if (!succeeded) throw std::system_error(errno, std::generic_category(), what);
}

std::optional<std::string> find_mkfs(const std::string& file_system) {
  for (const char* folder : {"/usr/sbin/", "/sbin/", "/usr/bin/"}) {
    std::string path = folder + ("mkfs." + file_system);
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

void run(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t pid = -1;
  const int error =
      ::posix_spawn(&pid, words[0].c_str(), nullptr, nullptr, pointers.data(), environ);
  if (error != 0) throw std::system_error(error, std::generic_category(), words[0]);
  int status = 0;
  check(::waitpid(pid, &status, 0) == pid, "waitpid");
  if (status != 0) throw std::runtime_error(words[0] + " failed");
}

/// A loop device over `image`, freed by its last user. Another process may take the free one first.
std::pair<int, std::string> make_loop(int image) {
  const int control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  check(control >= 0, "/dev/loop-control");
  for (int tries = 0; tries < 20; ++tries) {
    const int number = ::ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0) break;
    std::string device = "/dev/loop" + std::to_string(number);
    // Without udev nobody makes the node of a new device.
    if (::access(device.c_str(), F_OK) != 0)
      ::mknod(device.c_str(), S_IFBLK | 0600, static_cast<dev_t>(7 << 8 | number));
    const int loop = ::open(device.c_str(), O_RDWR | O_CLOEXEC);
    if (loop < 0) break;
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(image);
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (::ioctl(loop, LOOP_CONFIGURE, &config) == 0) {
      ::close(control);
      return {loop, device};
    }
    const int error = errno;
    ::close(loop);
    errno = error;
    if (error != EBUSY) break;
  }
  const int error = errno;
  ::close(control);
  throw std::system_error(error, std::generic_category(), "no loop device");
}

int make_image(std::uint64_t bytes) {
  const int image = ::memfd_create("sluice-crash", MFD_CLOEXEC);
  check(image >= 0, "memfd_create");
  check(::ftruncate(image, static_cast<off_t>(bytes)) == 0, "ftruncate");
  return image;
}

}  // namespace

std::optional<std::string> reason_against_volumes(const std::string& file_system) {
  if (::geteuid() != 0) return "power cuts need root, to mount file systems";
  if (!find_mkfs(file_system)) return "there is no mkfs." + file_system;
  try {
    const int image = make_image(1 << 20);
    ::close(make_loop(image).first);
    ::close(image);
  } catch (const std::system_error& error) {
    return error.what();
  }
  return std::nullopt;
}

int run_apart(int (*body)()) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP})
    sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  const fake::TemporaryDirectory temporary;
  // The child is process 1 of its namespace: when it ends the kernel kills all others in there.
  check(::unshare(CLONE_NEWNS | CLONE_NEWPID) == 0, "namespaces of our own");
  const pid_t child = ::fork();
  check(child >= 0, "fork");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    check(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private mounts");
    check(::mount("none", temporary.path().c_str(), "tmpfs", 0, nullptr) == 0, "tmpfs");
    ::setenv("TMPDIR", temporary.path().c_str(), 1);
    std::exit(body());
  }
  for (int status = 0;;) {
    int number = 0;
    ::sigwait(&signals, &number);
    if (number != SIGCHLD) ::kill(child, SIGKILL);
    if (::waitpid(child, &status, WNOHANG) != child) continue;
    ::umount2(temporary.path().c_str(), MNT_DETACH);  // or the directory could not be removed
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
}

Volume::Volume(std::string file_system) : file_system_(std::move(file_system)) {
  const int image = make_image(kBytes);
  std::tie(loop_, device_) = make_loop(image);
  ::close(image);
  run({find_mkfs(file_system_).value(), "-q", file_system_ == "ext4" ? "-F" : "-f", device_});
  mount();
}

Volume::~Volume() {
  // Without a private mount behind it the temporary directory could not be removed.
  ::umount2(path().c_str(), MNT_DETACH);
  ::close(loop_);
}

void Volume::mount() {
  // ext4's own care for files that replace others would hide a lack of ours; with it other moments
  // are dangerous. So every other time.
  const bool careless = file_system_ == "ext4" && mounts_++ % 2 == 0;
  const char* const options = careless ? "noauto_da_alloc" : nullptr;
  check(::mount(device_.c_str(), path().c_str(), file_system_.c_str(), 0, options) == 0,
        "mount " + device_);
}

void Volume::unmount() {
  // A killed process may hold its files for a moment longer.
  for (int tries = 0; tries < 500; ++tries) {
    if (::umount(path().c_str()) == 0) return;
    if (errno != EBUSY) break;
    std::this_thread::sleep_for(10ms);
  }
  check(false, "umount " + path());
}

void Volume::cut_power() {
  const int root = ::open(path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check(root >= 0, path());
  std::uint32_t flags = kWithoutLogFlush;
  const bool cut = ::ioctl(root, kShutdown, &flags) == 0;
  ::close(root);
  check(cut, "shutdown of " + file_system_);
}

void Volume::restart() {
  unmount();
  mount();
}

Neighbour::Neighbour(std::string dir, std::uint64_t seed) : dir_(std::move(dir)) {
  thread_ = std::thread([this, seed] { run(seed); });
}

Neighbour::~Neighbour() {
  stop_ = true;
  thread_.join();
}

void Neighbour::run(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  // A busy neighbour finds short windows, a calm one leaves more to be lost.
  const std::uint64_t most_pause_us = random() % 2 == 0 ? 1'000 : 30'000;
  while (!stop_) {
    const std::string path = dir_ + "/neighbour" + std::to_string(random() % 8);
    const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) return;  // the power is cut
    const bool written = ::write(file, "hello\n", 6) == 6 && ::fsync(file) == 0;
    ::close(file);
    if (!written) return;
    std::this_thread::sleep_for(std::chrono::microseconds(random() % most_pause_us));
  }
}

}  // namespace sluice::crash

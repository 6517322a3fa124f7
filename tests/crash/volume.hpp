// A file system of its own on a loop device, whose power can be cut.
#pragma once

#include "temporary_directory.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

namespace sluice::crash {

/// Why power cuts cannot be tried here (no root, no loop device, no mkfs), or nullopt.
std::optional<std::string> reason_against_volumes(const std::string& file_system);

/// The status of `body`, run in a process whose mounts and children are its own and end with it,
/// however it ends; temporary directories are in memory. To be called before any thread is started.
int run_apart(int (*body)());

/// Needs no clean-up in a process run apart: the image has no name (memfd), its last user releases
/// the loop device (autoclear), and the kernel ends the mount.
class Volume {
 public:
  /// `file_system` is ext4 or xfs. Throws if a step fails.
  explicit Volume(std::string file_system);
  ~Volume();
  Volume(const Volume&) = delete;
  Volume& operator=(const Volume&) = delete;

  const std::string& path() const { return mount_point_.path(); }

  /// From here on nothing reaches the device: what the journal did not hold by now is lost.
  void cut_power();
  /// Unmounts, and mounts again as after a restart; whoever used the volume must be gone.
  void restart();

 private:
  void mount();
  void unmount();

  static constexpr std::uint64_t kBytes = 512u << 20;  // mkfs.xfs refuses less than 300 MiB

  const std::string file_system_;
  const fake::TemporaryDirectory mount_point_;
  std::string device_;
  int loop_ = -1;
  unsigned mounts_ = 0;
};

/// Another program on the same file system: its fsyncs commit the journal, with what others have
/// done until then, at any moment.
class Neighbour {
 public:
  Neighbour(std::string dir, std::uint64_t seed);
  ~Neighbour();
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

 private:
  void run(std::uint64_t seed);

  const std::string dir_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace sluice::crash

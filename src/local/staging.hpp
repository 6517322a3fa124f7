#pragma once

#include "base/result.hpp"
#include "local/beneath.hpp"
#include "local/destination.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

namespace sluice::local {

/// `.sluice/staging/<shard>/<number>`: files on their way to their final names. Names are short
/// numbers, so that no key is too long to be staged.
class Staging {
 public:
  Staging() = default;
  static Result<Staging> open(const Beneath& beneath, int folder, const std::string& dir);

  int fd() const noexcept { return fd_.get(); }
  Result<void> clear(const std::set<std::string>& kept);
  Result<StagedFile> create(unsigned shard, std::uint64_t size_bytes);
  /// Also if there is none: no other file gets that name.
  Result<StagedFile> reopen(const std::string& name);
  /// 0 or an errno; a file that has gone is none.
  int sync(const std::string& name) const;
  /// An empty directory to be swapped with a file; its name below fd().
  Result<std::string> make_directory();

 private:
  Error error(const char* what, int os_error) const;
  Result<void> check_room(std::uint64_t size_bytes) const;
  void retire(const std::string& name);

  FileDescriptor fd_;
  std::string shown_;
  bool reserves_ = true;  ///< blocks of large files are taken at once
  struct Counts {
    std::atomic<std::uint64_t> next = 0;       ///< number of a file
    std::atomic<std::uint64_t> unchecked = 0;  ///< bytes since the last look at what is free
  };
  // On the heap, so that this can be moved: threads share the counters.
  std::unique_ptr<Counts> counts_;
};

}  // namespace sluice::local

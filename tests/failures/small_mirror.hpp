// A bucket of a few keys, its origin, and a mirror of it that a pass brings up to date while system
// calls fail.
#pragma once

#include "changing_bucket.hpp"
#include "failing_calls.hpp"
#include "origin/server.hpp"
#include "program.hpp"
#include "temporary_directory.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::failures {

using Words = std::vector<std::string>;

/// Of the environment; empty if it is not there.
std::string variable(const char* name);

/// Which call fails in a pass, and how.
struct Failure {
  std::uint8_t call = 0;  ///< a Call or kAnyChange
  int error = 0;          ///< an errno or kKill
  std::uint32_t at = 0;   ///< the number of the call, from 1; 0: none fails
  bool from_then_on = false;
};
/// "write ENOSPC 7", or "7+" from then on.
std::string to_string(const Failure& failure);

struct Ran {
  std::optional<int> status;  ///< nullopt: it had to be killed
  std::string out;
  std::string err;
  std::uint32_t failed = 0;                        ///< calls that did
  std::array<std::uint32_t, kCalls + 1> counts{};  ///< calls made
  std::uint64_t gets = 0;                          ///< requests for objects
};

class SmallMirror {
 public:
  SmallMirror();
  ~SmallMirror();
  SmallMirror(const SmallMirror&) = delete;
  SmallMirror& operator=(const SmallMirror&) = delete;

  std::string dir() const { return root_ / "mirror"; }
  std::string backup_dir() const { return root_ / "backup"; }
  std::string link() const { return root_ / "live"; }  ///< of --publish-link

  /// No mirror is there.
  void remove_mirror();
  /// Since the last pass: a new file in a new folder, a file replaced, one with a newer time only,
  /// an object of several parts, a file and its folder gone, a file that is a folder now.
  void change_bucket();

  Ran sync(const Words& flags, const Failure& failure = {});

  /// What no failure excuses: each file is a version that the bucket held, a row names a whole
  /// file, the record has not been given up, and readers are shown a whole pass.
  std::vector<std::string> check_harm();
  std::size_t staged_files() const;
  /// The mirror is the bucket: no file, row, folder or staged file more or less. What is found then
  /// counts as mirrored.
  std::vector<std::string> check_equal();

  void put(const std::string& key, std::uint64_t size, std::uint64_t content_seed);
  void remove(const std::string& key);

 private:
  /// Of what readers are shown, if they are.
  std::vector<std::string> check_shown();
  std::vector<std::string> check_trees() const;

  const fake::TemporaryDirectory root_;  ///< of what is watched
  const fake::TemporaryDirectory home_;
  Control* control_ = nullptr;
  std::shared_ptr<origin::MemoryBucket> bucket_ = std::make_shared<origin::MemoryBucket>();
  std::unique_ptr<origin::Server> server_;
  crash::Histories keys_;
  std::map<std::string, std::string> shown_;  ///< when it was looked at last
  unsigned changes_ = 0;
  std::int64_t last_modified_ms_ = 1'600'000'000'000;
};

}  // namespace sluice::failures

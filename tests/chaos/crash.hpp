// A crash of the process without one: what is on the disk at some moment is kept aside, the pass is
// stopped and unwinds as it likes, and then all is put back as it was.
#pragma once

#include <string>
#include <vector>

namespace sluice::chaos {

/// The staged files (their inodes, by hard links) and the record of one mirror. The tree itself
/// needs no keeping: after a stop nothing becomes visible any more, which is checked elsewhere.
class CrashPoint {
 public:
  CrashPoint(std::string dir, std::string aside);

  /// Call between any two steps of the engine.
  void keep();
  bool is_kept() const { return kept_; }
  /// Call once the engine has gone.
  void put_back();
  void forget() { kept_ = false; }

 private:
  const std::string dir_;
  const std::string aside_;
  bool kept_ = false;
  std::vector<std::string> staged_;
};

}  // namespace sluice::chaos

#pragma once

#include "async/runtime.hpp"
#include "base/result.hpp"
#include "local/destination.hpp"

#include "sluice/options.hpp"

#include <chrono>
#include <cstdint>

namespace sluice::mirror {

/// Whether syncfs is to be avoided for now: after one that took long it is, for a while.
class SlowSyncRule {
 public:
  /// A syncfs slower than this is slowed by somebody else (measured: 0.15 to 0.35 s for 20,000
  /// small files of our own, 1.5 s with a noisy neighbour).
  static constexpr std::chrono::milliseconds kSlow{500};
  static constexpr std::chrono::seconds kAvoidedFor{60};

  void note(SteadyTime started, SteadyTime ended) noexcept {
    if (ended - started > kSlow) avoided_until_ = ended + kAvoidedFor;
  }
  bool is_avoided(SteadyTime now) const noexcept { return now < avoided_until_; }

 private:
  SteadyTime avoided_until_{};
};

/// How what was written and renamed becomes durable (design 4.6): with one syncfs for all of it, or
/// file by file: where the file system has no syncfs that can be trusted, and for a while after one
/// that took long, since it also writes what a noisy neighbour on the same file system has dirtied.
/// The publishing role's.
class GroupSync {
 public:
  enum class Method : std::uint8_t { none, at_once, each_file };

  /// Both must outlive this.
  GroupSync(local::Destination& destination, async::Runtime& runtime,
            MirrorOptions::Durability durability);

  /// What the next sync should be.
  Method method() const noexcept;

  /// `what` is looked at only if it goes file by file; at once is everything on the file system of
  /// the destination, the record included. After a failure no staged file is left: none of them can
  /// be trusted, not even after another sync.
  Result<void> run(Method method, const local::ToSync& what);
  Result<void> run(const local::ToSync& what) { return run(method(), what); }

 private:
  Result<void> at_once();

  local::Destination& destination_;
  async::Runtime& runtime_;
  const Method usual_;
  SlowSyncRule slow_;
};

}  // namespace sluice::mirror

#pragma once

#include "async/task.hpp"
#include "mirror/pass.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::mirror {

/// The publishing role: makes staged files visible in groups, in the order that a power cut cannot
/// harm (docs/decisions/0001):
///
///   1. one sync: the staged data of this group and the renames of the group before become durable;
///   2. one record transaction: rows for the group before, whose files are now durable;
///   3. the renames of this group.
///
/// A pass ends with 1 and 2 alone. So the record never names a file that would not survive; a crash
/// between 3 and the next 2 costs a re-check of one group.
class Publisher {
 public:
  // A group is closed by these or by TuningOptions::group_age, whichever comes first (design 4.6).
  static constexpr std::size_t kGroupObjects = 4096;
  static constexpr std::uint64_t kGroupBytes = 256u << 20;

  explicit Publisher(Pass& pass);

  /// Until the publication queue is closed and empty. After an early end only what has been renamed
  /// already is recorded; the rest is dropped and its staged files removed.
  async::Task<void> run();

 private:
  void add(Publication publication);
  bool is_group_full() const noexcept;
  void commit_group();
  bool sync_and_record();  ///< false after an error, which ends the pass

  void make(Publication& publication);
  Result<void> place(Publication& publication);
  /// `a/b` is to be stored where the file `a` is: if the file is ours and unmodified, the folder
  /// wins.
  Result<void> replace_file_by_directory(const std::string& blocking);
  void recorded_later(Publication& publication, What what);
  void report_failure(const Publication& publication, const Error& error);

  Pass& pass_;
  Engine& engine_;
  std::vector<Publication> group_;
  std::uint64_t group_bytes_ = 0;
  SteadyTime group_started_{};
  record::Batch visible_;  ///< what has been done to the tree and is not yet recorded
};

}  // namespace sluice::mirror

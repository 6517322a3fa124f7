#pragma once

#include "async/task.hpp"
#include "mirror/pass.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace sluice::mirror {

/// The publishing role: makes staged files visible in groups, in the order that a power cut cannot
/// harm (docs/decisions/0001):
///
///   a. one record transaction: a `pending` row for each file of this group; and `objects` rows, in
///      place of their pending ones, for the groups whose renames are durable;
///   b. one sync: the staged data of this group, that transaction and the renames of the group
///      before become durable;
///   c. the renames of this group.
///
/// Where each file is synced on its own, b comes before a, and a is a durable commit by itself. A
/// pass ends with b and a alone. So `objects` never names a file that would not survive, and a
/// crash anywhere leaves a row that says what to do (settle.hpp).
///
/// Downloads in parts are noted as they come, so that a later run can go on with them.
class Publisher {
 public:
  // A group is closed by whichever comes first (design 4.6).
  static constexpr std::size_t kGroupObjects = 4096;
  static constexpr std::uint64_t kGroupBytes = 256u << 20;
  /// Files are taken from the queue together, so often: a switch of threads for each costs more
  /// than its rename.
  static constexpr std::chrono::milliseconds kGather{10};

  explicit Publisher(Pass& pass);

  /// Until the publication queue is closed and empty. After an early end only what has been renamed
  /// already is recorded, and how far downloads in parts have come; the rest is dropped.
  async::Task<void> run();

 private:
  /// They are large: a deque does not move them when it grows.
  using Group = std::deque<Publication>;
  /// What `objects` is to say of a key.
  struct Change {
    ObjectRow row;
    std::int64_t pending = 0;  ///< the number of the pending row that says the same; 0: none does
  };
  /// What has been done to the tree and is not yet recorded.
  struct Changes {
    std::vector<Change> rows;
    std::vector<std::string> deletes;           ///< keys
    std::vector<record::PendingRange> settled;  ///< pending rows that are so no longer
    local::ToSync to_sync;
    bool empty() const noexcept {
      return rows.empty() && deletes.empty() && settled.empty() && to_sync.empty();
    }
    void take(Changes& other);
  };

  bool is_idle() const noexcept;
  void take_what_waits();
  void add(Publication publication);
  void add_partial(PartialRow row);
  bool is_group_full() const noexcept;
  void commit_group();
  void finish();
  /// Steps a and b for these publications, in the order of the method. False after an error, which
  /// ends the pass.
  bool prepare(Group& group);
  bool write_record(Group& group, GroupSync::Method method);
  bool sync(const Group& group, GroupSync::Method method);
  void drop(Publication& publication);

  void make(Publication& publication);
  Result<void> back_up(const local::RelativePath& path);
  Result<void> place(Publication& publication);
  /// `a/b` is to be stored where the file `a` is: if the file is ours and unmodified, the folder
  /// wins.
  Result<void> replace_file_by_directory(const std::string& blocking, const Publication& below);
  Result<std::optional<ObjectRow>> row_of(const std::string& key);
  void done(Publication& publication, What what);
  void failed(Publication& publication, const Error& error);

  Pass& pass_;
  Engine& engine_;
  bool broken_ = false;  ///< a sync or a transaction failed: nothing more is written
  Group group_;
  std::uint64_t group_bytes_ = 0;
  SteadyTime group_started_{};
  Changes renamed_;  ///< done, not yet durable
  Changes durable_;  ///< durable, not yet in `objects`

  std::map<std::string, PartialRow> partials_;  ///< downloads in parts, by key
  std::set<std::string> changed_partials_;      ///< keys whose rows are to be written or dropped
};

}  // namespace sluice::mirror

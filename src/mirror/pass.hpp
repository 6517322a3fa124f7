#pragma once

#include "async/group.hpp"
#include "async/queue.hpp"
#include "base/result.hpp"
#include "crypto/md5_lanes.hpp"
#include "mirror/engine.hpp"
#include "mirror/work.hpp"
#include "plan/licence.hpp"
#include "transfer/active_transfers.hpp"

#include "sluice/summary.hpp"

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::mirror {

/// One reconciliation: the queues between the roles, the state of the listing, and what went wrong.
///
///     lister ─pages─► decider ─adoptions─► adopter ─parts─► fetch loops ─publications─► publisher
///     (control)       (decide)             (verify)         (data)                      (publish)
///
/// Each stage closes the queue that it feeds when it has ended. After them all comes the deleter.
class Pass {
 public:
  // Named limits (P8): how many of each may wait.
  static constexpr std::size_t kPagesWaiting = 4;
  static constexpr std::size_t kAdoptionsWaiting = 256;
  static constexpr std::size_t kPartsWaiting = 1024;
  static constexpr std::size_t kPublicationsWaiting = 4096;
  /// Objects of one shard whose bytes have all come, and are verified while it fetches others:
  /// twice as many as are hashed side by side.
  static constexpr unsigned kFinishing = 2 * crypto::kMd5Lanes;

  explicit Pass(Engine& engine)
      : fetch_loops(engine.runtime().data_shards()),
        finishing(engine.runtime().data_shards()),
        engine_(engine) {}

  Engine& engine() noexcept { return engine_; }

  async::BoundedQueue<ListPage> pages{kPagesWaiting};
  async::BoundedQueue<Adoption> adoptions{kAdoptionsWaiting};
  async::BoundedQueue<transfer::Part> parts{kPartsWaiting};
  async::BoundedQueue<Publication> publications{kPublicationsWaiting};

  std::optional<transfer::ActiveTransfers> active;  ///< only where somebody wants to see them

  async::TaskGroup planning;  ///< lister, decider, adopter
  async::TaskGroup fetching;
  std::vector<unsigned> fetch_loops;  ///< how many run, of each shard; its own once one runs
  std::vector<unsigned> finishing;    ///< objects being verified beside, likewise
  async::TaskGroup publishing;
  async::TaskGroup deleting;

  /// Keys of which earlier runs left partial downloads; set before the roles begin.
  std::set<std::string> leftovers;
  std::set<std::string> leftovers_used;  ///< those that were asked for; the decider's

  /// Keys `x/` that are listed: such a folder stays, even when it becomes empty. Only where
  /// collects_folders(); the decider's, read after planning has ended.
  std::set<std::string> folders;
  bool knows_folders = true;  ///< false: there were too many, and no folder is removed
  static constexpr std::size_t kMostFolders = 65'536;
  bool collects_folders() const noexcept {
    return engine_.options().delete_extraneous || engine_.generations() != nullptr;
  }

  /// Folders that stand where listed keys would be files. Only with --delete, and no more than
  /// kMostFolders: the next pass sees to the others. The decider's, read after planning has ended.
  std::vector<local::RelativePath> in_the_way;

  plan::ListingProof listing;  ///< written by the decider, read after planning has ended
  /// A key came out of order: from then on nobody can say which keys are still to come. The
  /// decider's; read by the publisher.
  std::atomic<bool> order_lost = false;

  /// The listing failed: what was decided is still done, nothing is deleted.
  void fail_listing(Error error);
  /// Nothing more is worth doing (disk full, credentials gone): planning and fetching end now.
  void abort(Error error);
  /// Asked to stop: as `abort`, but not an error.
  void interrupt() noexcept;

  /// An object of this size met a full disk: those as large are not asked for in this pass, or each
  /// would be downloaded only to fail. Smaller ones are.
  void note_no_room(std::uint64_t bytes) noexcept;
  bool has_no_room(std::uint64_t bytes) const noexcept {
    return bytes >= no_room_for_.load(std::memory_order_relaxed);
  }

  bool ended_early() const noexcept { return ended_early_.load(std::memory_order_acquire); }
  bool interrupted() const noexcept { return interrupted_.load(std::memory_order_acquire); }
  std::optional<Error> failure() const;

 private:
  void end_early() noexcept;
  void note(Error error);

  Engine& engine_;
  std::atomic<bool> ended_early_ = false;
  std::atomic<std::uint64_t> no_room_for_{std::numeric_limits<std::uint64_t>::max()};
  std::atomic<bool> interrupted_ = false;
  mutable std::mutex mutex_;
  std::optional<Error> failure_;
};

/// Read-only, or broken: nothing that follows will fare better.
bool is_disk_failure(const Error& error) noexcept;
/// Disk full or quota used up: smaller objects may fit.
bool is_out_of_space(const Error& error) noexcept;

}  // namespace sluice::mirror

#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "local/destination.hpp"
#include "model/object.hpp"
#include "model/proof.hpp"
#include "model/row.hpp"
#include "store/object_store.hpp"
#include "transfer/part_plan.hpp"
#include "transfer/verify.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sluice::transfer {

/// An object that is to be fetched, and where to.
struct FetchTask {
  FetchTask(std::string k, local::RelativePath p, Version v)
      : key(std::move(k)), path(std::move(p)), version(std::move(v)) {}

  std::string key;
  local::RelativePath path;
  Version version;
  bool has_checksum = false;  ///< the listing promises one
  bool shadows = false;  ///< a key that would be a file where this one needs a folder is listed
  std::string reason;    ///< for the event: `fresh`, `changed`…
  std::shared_ptr<const PartialRow> left;  ///< what an earlier run left of this key, maybe outdated
};

/// A verified file that is ready to be renamed into place.
struct StagedObject {
  StagedObject(FetchTask t, local::StagedFile f) : task(std::move(t)), file(std::move(f)) {}

  FetchTask task;
  local::StagedFile file;
  LocalFile local;  ///< after its time was set
  Proof proof = Proof::length;
  Digest digest;
  std::optional<PartialRow> partial;  ///< of an object in several parts: as a later run would need
};

/// One object on its way from parts to a staged file. It is the only state that data shards share:
/// one atomic count, one slot a part; the lock guards the first part's set-up and the first error.
///
/// The staged file of an object in several parts outlives the assembly: what has come of it is kept
/// for the next run, unless discard() says that it is worthless.
class Assembly {
 public:
  Assembly(FetchTask task, PartPlan plan);
  /// Goes on with what an earlier run left: `staged` holds the parts named in `left`.
  Assembly(FetchTask task, PartPlan plan, local::StagedFile staged, const PartialRow& left);

  const FetchTask& task() const noexcept { return task_; }
  const PartPlan& plan() const noexcept { return plan_; }

  /// Whether it has its staged file already.
  bool is_begun() const;
  /// When its first part began, which may be now.
  SteadyTime begun(SteadyTime now);
  /// The staged file; made by whoever asks first.
  Result<local::StagedFile*> staged(local::Destination& destination, unsigned shard);

  /// The CRC64NVME that this part had when an earlier run fetched it.
  std::optional<Digest> left_by_earlier_run(std::uint32_t index) const;

  /// Bytes of it that came or were here already; those of a try that failed go again. Any thread.
  std::uint64_t received_bytes() const noexcept {
    return received_.load(std::memory_order_relaxed);
  }
  void add_received(std::uint64_t bytes) noexcept {
    received_.fetch_add(bytes, std::memory_order_relaxed);
  }
  void drop_received(std::uint64_t bytes) noexcept {
    received_.fetch_sub(bytes, std::memory_order_relaxed);
  }

  /// Once this part is complete: what the record is to know of it.
  PartialRow partial_row(std::uint32_t index) const;
  /// The same of all parts that were hashed, for the shard that finishes; nullopt if none was.
  std::optional<PartialRow> partial_row() const;

  /// The first error wins.
  void fail(Error error);
  bool failed() const noexcept { return failed_.load(std::memory_order_acquire); }
  Error error() const;

  /// Keeps what the first answer said of the object. A ranged answer has no checksum of the whole.
  void note_head(const store::ObjectHead& head);
  std::optional<store::ObjectHead> head() const;

  /// The digest of one part, hashed as it streamed by: each part writes its own slot.
  void set_part_digest(std::uint32_t index, Digest digest) {
    part_digests_[index] = std::move(digest);
  }
  bool has_part_digest(std::uint32_t index) const noexcept {
    return part_digests_[index].kind != DigestKind::none;
  }
  /// For the shard that finishes: the digest of the whole object, put together from those of its
  /// parts; nullopt if they are not all there, not of that kind, or cannot be combined.
  std::optional<Digest> streamed_digest(DigestKind kind) const;

  /// True for the part that ends last: its shard then finishes the object alone.
  bool end_part() noexcept { return parts_left_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

  /// For the shard that finishes.
  local::StagedFile& staged_file() noexcept { return staged_; }
  local::StagedFile take_staged() { return std::move(staged_); }
  void discard() noexcept { staged_.discard(); }
  FetchTask take_task() { return std::move(task_); }

 private:
  PartialRow empty_row() const;

  FetchTask task_;
  const PartPlan plan_;
  std::atomic<std::uint32_t> parts_left_;
  std::atomic<bool> failed_ = false;
  std::atomic<std::uint64_t> received_ = 0;
  mutable std::mutex mutex_;
  bool staged_made_ = false;
  std::optional<SteadyTime> begun_;
  local::StagedFile staged_;
  Error error_;
  std::optional<store::ObjectHead> head_;
  std::vector<Digest> part_digests_;
  std::map<std::uint32_t, std::uint64_t> left_;  ///< not changed after construction
};

/// A unit of work for a fetch loop.
struct Part {
  Part(std::shared_ptr<Assembly> a, std::uint32_t i) : assembly(std::move(a)), index(i) {}
  std::shared_ptr<Assembly> assembly;
  std::uint32_t index;
};

}  // namespace sluice::transfer

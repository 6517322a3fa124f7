#pragma once

#include "async/runtime.hpp"
#include "base/result.hpp"
#include "local/destination.hpp"
#include "store/object_store.hpp"
#include "transfer/assembly.hpp"
#include "transfer/body_digester.hpp"
#include "transfer/file_digester.hpp"
#include "transfer/part_sink.hpp"
#include "transfer/parts_proof.hpp"
#include "transfer/retry.hpp"
#include "transfer/verify.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>

namespace sluice::transfer {

/// What became of one object.
struct FetchOutcome {
  FetchOutcome(FetchTask t, Error e) : failed_task(std::move(t)), error(std::move(e)) {}
  explicit FetchOutcome(std::unique_ptr<StagedObject> o) : staged(std::move(o)) {}

  const FetchTask& task() const noexcept { return staged ? staged->task : *failed_task; }

  std::unique_ptr<StagedObject> staged;  ///< set on success; large, and handed on several times
  std::optional<FetchTask> failed_task;  ///< else
  Error error;
  bool voids_partial = false;  ///< on failure: parts that the record knows of serve no later run
};

struct FetchOptions {
  std::uint64_t part_bytes = 8u << 20;
  VerifyMode verify = VerifyMode::automatic;
  /// Objects from that size on are not hashed: nothing would be checked by it. See ADR 10.
  std::uint64_t unhashed_from = std::numeric_limits<std::uint64_t>::max();
  RetryPolicy retry;
};

/// Body bytes, for the progress line.
struct FetchMeters {
  std::atomic<std::uint64_t>& received;  ///< from the network
  std::atomic<std::uint64_t>& resumed;   ///< found in the staged file of an earlier run
};

/// Told of each complete part of an object in several, before the object itself can be complete.
using PartNote = std::function<async::Task<void>(const Assembly& assembly, std::uint32_t index)>;

/// Parts of an object that is not to be hashed are hashed all the same once it has been under way
/// for so long, so that a later run can go on with them.
inline constexpr std::chrono::seconds kHashedAfter{10};

/// An object that changes under our hands is started afresh so often; one whose content fails its
/// proof likewise.
inline constexpr unsigned kMaxRestarts = 3;

/// Fetches parts and finishes objects, on one data shard. Several coroutines of that shard may use
/// it at once.
class Fetcher {
 public:
  /// All references must outlive the fetcher.
  Fetcher(async::Runtime& runtime, unsigned shard, store::ObjectStore& store,
          local::Destination& destination, FileDigester& digester, PartsProver& prover,
          BodyDigester& bodies, const FetchOptions& options, Concurrency& concurrency,
          RetryListener& listener, FetchMeters meters, PartNote note_part);

  /// Fetches `part`. True if it was the last of its object to end: then finish() is to be called.
  async::Task<bool> fetch(Part& part);
  /// Whether finish() has a file to read again, so that it may take long: other transfers need not
  /// wait for that.
  bool may_read_again(const Assembly& assembly) const noexcept;
  /// Verifies and finishes the object (or restarts it), and says what became of it.
  async::Task<FetchOutcome> finish(std::shared_ptr<Assembly> assembly);

 private:
  async::Task<Result<void>> fetch_part(Assembly& assembly, std::uint32_t index);
  Hashing hashing_of(Assembly& assembly) const;
  async::Task<bool> resume_part(Assembly& assembly, std::uint32_t index, int fd, Digest known);
  async::Task<Result<store::ObjectHead>> head(store::HeadRequest request);
  bool needs_head(const Assembly& assembly) const noexcept;
  async::Task<Result<store::ObjectHead>> ask_for_head(const Assembly& assembly,
                                                      store::ObjectHead known);
  async::Task<void> fetch_serially(Assembly& assembly);
  async::Task<Result<Digest>> hash_file(int fd, std::uint64_t size, DigestKind kind);
  async::Task<Result<Proof>> prove(Assembly& assembly, const store::ObjectHead& head);
  async::Task<Result<std::unique_ptr<StagedObject>>> complete(Assembly& assembly);

  async::Runtime& runtime_;
  const unsigned shard_;
  store::ObjectStore& store_;
  local::Destination& destination_;
  FileDigester& digester_;
  PartsProver& prover_;
  BodyDigester& bodies_;
  const FetchOptions& options_;
  Concurrency& concurrency_;
  RetryListener& listener_;
  FetchMeters meters_;
  const PartNote note_part_;
};

}  // namespace sluice::transfer

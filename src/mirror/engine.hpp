#pragma once

#include "async/budget.hpp"
#include "async/runtime.hpp"
#include "base/result.hpp"
#include "local/backup.hpp"
#include "local/destination.hpp"
#include "mirror/counters.hpp"
#include "mirror/group_sync.hpp"
#include "plan/decide.hpp"
#include "plan/filter.hpp"
#include "record/record.hpp"
#include "store/object_store.hpp"
#include "transfer/fetcher.hpp"

#include "sluice/observer.hpp"
#include "sluice/options.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace sluice::mirror {

/// Makes the ObjectStore of one executor: over HTTP, or a fake.
using StoreFactory =
    std::function<Result<std::unique_ptr<store::ObjectStore>>(async::Runtime&, async::Executor)>;

/// While nothing at all succeeds, requests are tried again for so long at least.
inline constexpr std::chrono::seconds kEndpointPatience{30};
/// Bytes that one GET holds at most: what TLS reads ahead (128 KiB), and a small body that is kept
/// until it is hashed (64 KiB). 256 of them fit beside the pages into the default of --memory.
inline constexpr std::uint64_t kBytesPerTransfer = 192 * 1024;
/// The read buffer of a shard, which its transfers share.
inline constexpr std::size_t kReadBufferBytes = 256 * 1024;

/// What the record calls every host of AWS.
inline constexpr std::string_view kAwsHost = "amazonaws.com";
/// List requests at once, unless --list-concurrency says.
inline constexpr unsigned kDefaultListConcurrency = 8;
unsigned resolved_list_concurrency(const TuningOptions& tuning) noexcept;
/// Of --memory, what list pages may hold that wait for others.
std::uint64_t bytes_for_pages(const TuningOptions& tuning) noexcept;

unsigned resolved_threads(const TuningOptions& tuning) noexcept;  ///< min(4, cores), 1 to 64
/// How many GETs run at once, over all shards; what --transfers says leaves nothing to find.
transfer::LimitBounds transfer_bounds(const TuningOptions& tuning) noexcept;
/// The most of them that one shard can have.
unsigned most_transfers_of_shard(const TuningOptions& tuning, unsigned shards) noexcept;

class GenerationPublisher;

/// What lives as long as the mirror does: options, stores, destination, record. Every pass uses it.
class Engine final : public transfer::RetryListener {
 public:
  /// Opens the destination and the record. `source` identifies the bucket in the record.
  static Result<std::unique_ptr<Engine>> open(const MirrorOptions& options, Observer& observer,
                                              async::Runtime& runtime, Counters& counters,
                                              const record::Source& source,
                                              const StoreFactory& make_store);
  ~Engine() override;

  const MirrorOptions& options() const noexcept { return options_; }
  async::Runtime& runtime() noexcept { return runtime_; }
  Counters& counters() noexcept { return counters_; }
  local::Destination& destination() noexcept { return *destination_; }
  GroupSync& sync() noexcept { return *sync_; }               ///< the publishing role's
  local::Backup* backup() noexcept { return backup_.get(); }  ///< with --backup-dir, else null
  GenerationPublisher* generations() noexcept { return generations_.get(); }  ///< or null
  const plan::Filter& filter() const noexcept { return filter_; }
  /// Whether filters take this key, given whole.
  bool includes(std::string_view key) const noexcept {
    return filter_.includes(key.substr(options_.source.prefix.size()));
  }
  /// Keys that do not begin with this are not listed, and their files not looked at: filters
  /// exclude them all, and excluded means protected.
  std::string list_prefix() const {
    const std::string& prefix = options_.source.prefix;
    return deletes_excluded() ? prefix : prefix + filter_.common_beginning();
  }
  /// --delete --delete-excluded: what filters leave out goes.
  bool deletes_excluded() const noexcept {
    return options_.delete_extraneous && options_.delete_excluded;
  }
  plan::DecideOptions decide_options() const noexcept;
  const transfer::FetchOptions& fetch_options() const noexcept { return fetch_options_; }
  async::ByteBudget& budget() noexcept { return budget_; }
  transfer::FileDigester& digester() noexcept { return digester_; }
  transfer::PartsProver& parts_prover() noexcept { return parts_prover_; }
  transfer::BodyDigester& body_digester(unsigned shard) noexcept { return body_digesters_[shard]; }
  transfer::SharedLimit& transfers() noexcept { return transfers_; }
  transfer::Concurrency& concurrency(unsigned shard) noexcept { return concurrency_[shard]; }

  /// The publishing role's. A dry run has none: nothing is written, and what is read through it
  /// comes when the deciding role has ended.
  record::Record& writer() noexcept { return writer_ ? *writer_ : *reader_; }
  record::Record& reader() noexcept { return *reader_; }  ///< the deciding role's
  store::ObjectStore& list_store() noexcept { return *list_store_; }
  store::ObjectStore& data_store(unsigned shard) noexcept { return *data_stores_[shard]; }

  /// Whether this source is known to list in byte order: AWS does, others once a complete listing
  /// has shown it. Asks the record: not while the deciding role is at work.
  bool lists_in_byte_order() { return is_aws_ || reader_->byte_order_proved(); }

  /// Between two passes.
  void set_filters(std::vector<FilterRule> rules);

  /// Counts the outcome and tells the observer (unless it is `kept`).
  void report(const ObjectEvent& event);
  void message(Level level, std::string_view text) { observer_.on_message(level, text); }
  void pass_started() { observer_.on_pass_started(); }
  void on_success() noexcept override;
  void on_retry(const Error& error, unsigned attempt, std::chrono::milliseconds pause) override;
  /// Whether an object that failed for `error`, after all its tries, shows that there is no point
  /// in going on: not one request has succeeded for kEndpointPatience.
  bool is_endpoint_down(const Error& error) const noexcept;

 private:
  Result<void> settle_last_run();
  Result<void> keep_journal();

  Engine(const MirrorOptions& options, Observer& observer, async::Runtime& runtime,
         Counters& counters);
  Result<void> open_local(const record::Source& source);
  Result<void> open_to_look(const record::Source& source);  ///< for a dry run

  MirrorOptions options_;
  Observer& observer_;
  async::Runtime& runtime_;
  Counters& counters_;
  plan::Filter filter_;
  transfer::FetchOptions fetch_options_;
  async::ByteBudget budget_;
  transfer::FileDigester digester_;
  transfer::PartsProver parts_prover_;
  std::vector<transfer::BodyDigester> body_digesters_;  ///< one a shard
  transfer::SharedLimit transfers_;
  std::deque<transfer::Concurrency> concurrency_;  ///< one a shard
  /// When requests began to fail, none having succeeded since; as ticks, 0: the last one succeeded.
  std::atomic<SteadyTime::rep> failing_since_ = 0;
  std::unique_ptr<local::Destination> destination_;
  bool is_aws_ = false;
  std::optional<GroupSync> sync_;
  std::unique_ptr<local::Backup> backup_;
  std::unique_ptr<GenerationPublisher> generations_;
  std::unique_ptr<record::Record> writer_;
  std::unique_ptr<record::Record> reader_;
  std::unique_ptr<store::ObjectStore> list_store_;
  std::vector<std::unique_ptr<store::ObjectStore>> data_stores_;
};

}  // namespace sluice::mirror

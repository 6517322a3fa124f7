#include "mirror/engine.hpp"

#include "base/units.hpp"
#include "mirror/generation_publisher.hpp"
#include "mirror/look.hpp"
#include "mirror/settle.hpp"

#include <algorithm>
#include <sched.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>

namespace sluice::mirror {

namespace {

transfer::FetchOptions fetch_options_of(const MirrorOptions& options) {
  transfer::FetchOptions fetch;
  fetch.part_bytes = options.tuning.part_bytes;
  fetch.retry.max_attempts = options.tuning.max_attempts;
  switch (options.verify) {
    case MirrorOptions::Verify::automatic:
      fetch.verify = transfer::VerifyMode::automatic;
      break;
    case MirrorOptions::Verify::strict:
      fetch.verify = transfer::VerifyMode::strict;
      break;
    case MirrorOptions::Verify::length:
      fetch.verify = transfer::VerifyMode::length;
      // Whoever asks for --checksum wants to have something to compare with.
      if (options.compare != MirrorOptions::Compare::checksum)
        fetch.unhashed_from = transfer::BodyDigester::kMostBytes + 1;
      break;
  }
  return fetch;
}

}  // namespace

unsigned resolved_threads(const TuningOptions& tuning) noexcept {
  if (tuning.threads != 0) return std::min(tuning.threads, 64u);
  // Those that we may run on: a container or taskset may leave us fewer than there are.
  cpu_set_t allowed;
  const bool known = sched_getaffinity(0, sizeof allowed, &allowed) == 0;
  const unsigned cores =
      known ? static_cast<unsigned>(CPU_COUNT(&allowed)) : std::thread::hardware_concurrency();
  return std::clamp(cores, 1u, 4u);
}

transfer::LimitBounds transfer_bounds(const TuningOptions& tuning) noexcept {
  if (tuning.transfers == 0) return {};
  return {tuning.transfers, tuning.transfers, tuning.transfers};
}

unsigned resolved_list_concurrency(const TuningOptions& tuning) noexcept {
  return tuning.list_concurrency != 0 ? tuning.list_concurrency : kDefaultListConcurrency;
}

std::uint64_t bytes_for_pages(const TuningOptions& tuning) noexcept {
  return tuning.memory_bytes / 4;
}

unsigned most_transfers_of_shard(const TuningOptions& tuning, unsigned shards) noexcept {
  return (transfer_bounds(tuning).most + shards - 1) / shards;
}

Engine::Engine(const MirrorOptions& options, Observer& observer, async::Runtime& runtime,
               Counters& counters)
    : options_(options),
      observer_(observer),
      runtime_(runtime),
      counters_(counters),
      filter_(options.filters),
      fetch_options_(fetch_options_of(options)),
      budget_(options.tuning.memory_bytes - bytes_for_pages(options.tuning)),
      digester_(runtime),
      parts_prover_(runtime, digester_),
      body_digesters_(runtime.data_shards()),
      transfers_(transfer_bounds(options.tuning), counters.received_bytes, [&runtime] {
        return std::chrono::duration<double>(runtime.processor_time()).count() /
               runtime.data_shards();
      }) {
  const unsigned shards = runtime.data_shards();
  for (unsigned i = 0; i < shards; ++i)
    concurrency_.emplace_back(runtime, transfers_, i, shards);
}

Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(const MirrorOptions& options, Observer& observer,
                                             async::Runtime& runtime, Counters& counters,
                                             const record::Source& source,
                                             const StoreFactory& make_store) {
  std::unique_ptr<Engine> engine(new Engine(options, observer, runtime, counters));
  engine->is_aws_ = source.endpoint_host == kAwsHost;
  const auto valid = GenerationPublisher::validate(options);
  if (!valid) return valid.error();

  const auto opened = options.dry_run ? engine->open_to_look(source) : engine->open_local(source);
  if (!opened) return opened.error();

  auto list_store = make_store(runtime, runtime.executor(async::Role::control));
  if (!list_store) return list_store.error();
  engine->list_store_ = std::move(*list_store);
  for (unsigned shard = 0; shard < runtime.data_shards(); ++shard) {
    auto store = make_store(runtime, runtime.executor(async::Role::data, shard));
    if (!store) return store.error();
    engine->data_stores_.push_back(std::move(*store));
  }
  return engine;
}

Result<void> Engine::settle_last_run() {
  const auto settled =
      settle(*writer_, *destination_, *sync_, options_.source.prefix, backup_.get());
  if (!settled) return settled.error();
  const std::uint64_t files = settled->stored + settled->published + settled->dropped;
  if (files == 0) return {};
  message(Level::info, "the last run was cut short: of " + std::to_string(files) +
                           " files that it was about to put in place " +
                           std::to_string(settled->dropped) + " have to be fetched again");
  return {};
}

Result<void> Engine::keep_journal() {
  std::optional<std::uint64_t> rows = options_.journal_rows;
  if (generations_ != nullptr) {
    const auto known = writer_->journal();
    if (!known) return known.error();
    if (!*known && !rows) rows = kDefaultJournalRows;
    const auto begun = generations_->begin(*known ? (*known)->newest : 0);
    if (!begun) return begun;
  }
  if (!rows) return {};
  return writer_->keep_journal(*rows, unix_ms(runtime_.wall_now()));
}

Result<void> Engine::open_to_look(const record::Source& source) {
  auto side = look_at(options_, source, observer_);
  if (!side) return side.error();
  destination_ = std::move(side->destination);
  reader_ = std::move(side->record);
  if (!options_.publish_link.empty()) {
    const auto place = local::Generations::check(options_.publish_link, *destination_);
    if (!place) return place;
  }
  // A backup directory that is there is judged as it would be; one that is not stays away.
  if (options_.backup_dir.empty() || destination_->root() < 0) return {};
  if (::access(options_.backup_dir.c_str(), F_OK) != 0) return {};
  const auto backup = local::Backup::open(options_.backup_dir, *destination_);
  if (!backup) return backup.error();
  return {};
}

Result<void> Engine::open_local(const record::Source& source) {
  auto destination = local::Destination::open(options_.dir);
  if (!destination) return destination.error();
  destination_ = std::move(*destination);
  sync_.emplace(*destination_, runtime_, options_.durability);
  if (!options_.backup_dir.empty()) {
    auto backup = local::Backup::open(options_.backup_dir, *destination_);
    if (!backup) return backup.error();
    backup_ = std::move(*backup);
  }
  if (!options_.publish_link.empty()) {
    auto publisher = GenerationPublisher::open(options_, source, *destination_);
    if (!publisher) return publisher.error();
    generations_ = std::move(*publisher);
  }

  const std::string path = destination_->record_path();
  const auto adopt = options_.adopt ? record::Adopt::yes : record::Adopt::no;
  auto writer = record::Record::open(path, source, adopt);
  if (!writer) return writer.error();
  writer_ = std::move(*writer);
  if (const auto kept = keep_journal(); !kept) return kept;
  if (writer_->was_damaged())
    message(Level::warning,
            "the record was damaged and has been moved aside; files that are here are "
            "compared with the bucket by their content");
  if (const auto settled = settle_last_run(); !settled) return settled.error();
  auto reader = record::Record::connect(path, record::Access::read_write);
  if (!reader) return reader.error();
  reader_ = std::move(*reader);
  return {};
}

plan::DecideOptions Engine::decide_options() const noexcept {
  plan::DecideOptions decide;
  decide.local_changes = options_.local_changes == MirrorOptions::LocalChanges::keep
                             ? plan::LocalChanges::keep
                             : plan::LocalChanges::overwrite;
  decide.adopt_by = options_.adopt_by == MirrorOptions::AdoptBy::size_mtime
                        ? plan::AdoptBy::size_mtime
                        : plan::AdoptBy::hash;
  switch (options_.compare) {
    case MirrorOptions::Compare::record:
      decide.compare = plan::Compare::record;
      break;
    case MirrorOptions::Compare::size_only:
      decide.compare = plan::Compare::size_only;
      break;
    case MirrorOptions::Compare::checksum:
      decide.compare = plan::Compare::checksum;
      break;
  }
  decide.keep_refusals = options_.verify == MirrorOptions::Verify::strict;
  return decide;
}

void Engine::set_filters(std::vector<FilterRule> rules) {
  options_.filters = std::move(rules);
  filter_ = plan::Filter(options_.filters);
}

void Engine::report(const ObjectEvent& event) {
  counters_.what[static_cast<std::size_t>(event.what)].fetch_add(1, std::memory_order_relaxed);
  // A folder has no content that could be proved.
  const auto proof = proof_named(event.proof);
  if (proof && !event.key.ends_with('/'))
    counters_.proofs[static_cast<std::size_t>(*proof)].fetch_add(1, std::memory_order_relaxed);
  if (event.what != What::kept) observer_.on_object(event);
}

void Engine::on_success() noexcept {
  if (failing_since_.load(std::memory_order_relaxed) != 0)
    failing_since_.store(0, std::memory_order_relaxed);
}

bool Engine::is_endpoint_down(const Error& error) const noexcept {
  switch (error.kind) {
    case ErrorKind::transient:
    case ErrorKind::throttled:
    case ErrorKind::unreachable:
    case ErrorKind::invalid_answer:
      break;
    default:
      return false;
  }
  const SteadyTime::rep since = failing_since_.load(std::memory_order_relaxed);
  if (since == 0) return false;
  const SteadyTime begun{SteadyTime::duration(since)};
  return runtime_.now() - begun >= kEndpointPatience;
}

void Engine::on_retry(const Error& error, unsigned attempt, std::chrono::milliseconds pause) {
  SteadyTime::rep succeeded = 0;
  const SteadyTime::rep now = runtime_.now().time_since_epoch().count();
  failing_since_.compare_exchange_strong(succeeded, now, std::memory_order_relaxed);
  counters_.retries.fetch_add(1, std::memory_order_relaxed);
  if (error.kind == ErrorKind::throttled)
    counters_.throttles.fetch_add(1, std::memory_order_relaxed);
  message(Level::debug, "try " + std::to_string(attempt) + " failed (" + error.message +
                            "); again in " + units::format_duration(pause));
}

}  // namespace sluice::mirror

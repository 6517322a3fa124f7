#include "mirror/fetch_loop.hpp"

#include "base/units.hpp"
#include "transfer/fetcher.hpp"

#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

namespace sluice::mirror {

namespace {

Publication publication_of(transfer::StagedObject& object) {
  Publication out(Publication::Kind::place, std::move(object.task.path));
  out.row.key = std::move(object.task.key);
  out.row.version = std::move(object.task.version);
  out.row.mtime_ns = object.local.mtime_ns;
  out.row.inode = object.local.inode;
  out.row.proof = object.proof;
  out.row.digest = std::move(object.digest);
  out.reason = std::move(object.task.reason);
  out.shadows = object.task.shadows;
  out.partial = std::move(object.partial);
  out.file = std::move(object.file);
  out.file.close_descriptor();  // a group of 4,096 must not hold as many descriptors
  return out;
}

What what_of(ErrorKind kind) noexcept {
  if (kind == ErrorKind::missing_key) return What::vanished;
  if (kind == ErrorKind::archived) return What::archived;
  if (kind == ErrorKind::refused_key) return What::refused;
  return What::failed;
}

Error no_room(std::uint64_t size) {
  return local_error("it is not fetched, since an object of no more than its " +
                         units::format_size(size) + " found no room",
                     ENOSPC);
}

/// After these every other object would fail alike.
bool ends_the_pass(const Error& error) noexcept {
  switch (error.kind) {
    case ErrorKind::credentials:
    case ErrorKind::expired:
    case ErrorKind::missing_bucket:
      return true;
    default:
      return is_disk_failure(error);
  }
}

void report_failure(Pass& pass, const transfer::FetchOutcome& outcome) {
  const Error& error = outcome.error;
  ObjectEvent event;
  event.what = what_of(error.kind);
  event.key = outcome.task().key;
  event.size = outcome.task().version.size;
  event.reason = error.message;
  if (event.what == What::failed || event.what == What::refused) event.error = &error;
  pass.engine().report(event);
  if (error.kind == ErrorKind::local) ++pass.engine().counters().local_failures;
  if (is_out_of_space(error)) pass.note_no_room(outcome.task().version.size);
  if (ends_the_pass(error)) return pass.abort(error);
  if (!pass.engine().is_endpoint_down(error)) return;
  Error down = error;
  down.message = "not one request has succeeded for " + std::to_string(kEndpointPatience.count()) +
                 " s, so the pass ends: " + error.message;
  pass.abort(down);
}

async::Task<void> settle(Pass& pass, transfer::FetchOutcome& outcome) {
  if (!outcome.staged) {
    report_failure(pass, outcome);
    if (outcome.error.code == transfer::kUnproven) {
      Publication refused(Publication::Kind::refuse, outcome.task().path);
      refused.row.key = outcome.task().key;
      refused.row.version = outcome.task().version;
      refused.row.state = RowState::refused;
      co_await pass.publications.push(refused);
    }
    if (!outcome.voids_partial) co_return;
    Publication discard(Publication::Kind::discard, outcome.task().path);
    discard.row.key = outcome.task().key;
    co_await pass.publications.push(discard);
    co_return;
  }
  Publication publication = publication_of(*outcome.staged);
  if (!pass.publications.try_push(publication)) co_await pass.publications.push(publication);
}

/// Notes a part of an object that is not complete yet, so that a later run need not fetch it again.
async::Task<void> note_part(Pass& pass, const transfer::Assembly& assembly, std::uint32_t index) {
  Publication note(Publication::Kind::part, assembly.task().path);
  note.partial = assembly.partial_row(index);
  co_await pass.publications.push(note);
}

transfer::Fetcher fetcher_of(Pass& pass, unsigned shard) {
  Engine& engine = pass.engine();
  return transfer::Fetcher(
      engine.runtime(), shard, engine.data_store(shard), engine.destination(), engine.digester(),
      engine.parts_prover(), engine.body_digester(shard), engine.fetch_options(),
      engine.concurrency(shard), engine,
      transfer::FetchMeters{engine.counters().received_bytes, engine.counters().resumed_bytes},
      [&pass](const transfer::Assembly& assembly, std::uint32_t index) {
        return note_part(pass, assembly, index);
      });
}

/// What a transfer holds while it lasts.
struct Held {
  explicit Held(async::ByteLease memory) : lease(std::move(memory)) {}

  async::ByteLease lease;
  std::unique_ptr<transfer::ActiveTransfers::Entry> shown;  ///< null where nobody looks
};

/// An object all parts of which have come, while its shard goes on fetching others.
async::Task<void> finish_beside(Pass& pass, unsigned shard,
                                std::shared_ptr<transfer::Assembly> assembly,
                                [[maybe_unused]] Held held) {
  transfer::Fetcher fetcher = fetcher_of(pass, shard);
  transfer::FetchOutcome outcome = co_await fetcher.finish(std::move(assembly));
  co_await settle(pass, outcome);
  --pass.finishing[shard];
}

/// One of the many on a data shard: takes a part, a lease on memory, and then (inside the store)
/// one on a connection, always in that order; moves its bytes; hands finished objects to the
/// publisher. Until the part queue is closed and empty, the pass ends early, or there are more
/// loops than transfers may run.
async::Task<void> fetch_loop(Pass& pass, unsigned shard) {
  Engine& engine = pass.engine();
  transfer::Fetcher fetcher = fetcher_of(pass, shard);
  transfer::Concurrency& concurrency = engine.concurrency(shard);
  unsigned& loops = pass.fetch_loops[shard];
  for (;;) {
    if (loops > concurrency.limit()) {
      --loops;
      co_return;
    }
    std::optional<transfer::Part> part = pass.parts.try_pop();
    if (!part) {
      concurrency.starved();
      std::optional<transfer::Part> awaited = co_await pass.parts.pop();
      part = std::move(awaited);
    }
    if (!part || pass.ended_early()) co_return;
    if (loops < concurrency.limit()) spawn_fetch_loop(pass, shard);
    const std::shared_ptr<transfer::Assembly> assembly = part->assembly;
    const std::uint64_t size = assembly->plan().size();
    if (pass.has_no_room(size) && !assembly->is_begun()) assembly->fail(no_room(size));
    std::optional<async::ByteLease> lease = engine.budget().try_acquire(kBytesPerTransfer);
    if (!lease) {
      async::ByteLease waited_for = co_await engine.budget().acquire(kBytesPerTransfer);
      lease.emplace(std::move(waited_for));
    }
    Held held(*std::move(lease));
    if (pass.active)
      held.shown = std::make_unique<transfer::ActiveTransfers::Entry>(*pass.active, assembly,
                                                                      engine.runtime().now());
    const bool is_last = co_await fetcher.fetch(*part);
    if (!is_last) continue;
    if (fetcher.may_read_again(*assembly) && pass.finishing[shard] < Pass::kFinishing) {
      ++pass.finishing[shard];
      pass.fetching.spawn(engine.runtime().executor(async::Role::data, shard),
                          finish_beside(pass, shard, assembly, std::move(held)));
      continue;
    }
    transfer::FetchOutcome outcome = co_await fetcher.finish(assembly);
    co_await settle(pass, outcome);
  }
}

}  // namespace

void spawn_fetch_loop(Pass& pass, unsigned shard) {
  ++pass.fetch_loops[shard];
  pass.fetching.spawn(pass.engine().runtime().executor(async::Role::data, shard),
                      fetch_loop(pass, shard));
}

}  // namespace sluice::mirror

#include "mirror/run_pass.hpp"

#include "async/call_on.hpp"
#include "base/time.hpp"
#include "mirror/adopter.hpp"
#include "mirror/decider.hpp"
#include "mirror/deleter.hpp"
#include "mirror/fetch_loop.hpp"
#include "mirror/generation_publisher.hpp"
#include "mirror/parallel_lister.hpp"
#include "mirror/publisher.hpp"
#include "mirror/settle.hpp"

#include "sluice/status.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::mirror {

namespace {

/// A first page that comes so soon, its connection included, comes from near by: a round trip of a
/// few milliseconds at most. The stores of the large providers take longer for a page alone.
constexpr auto kListedSoon = std::chrono::milliseconds(20);

/// By the record, the key about so many keys after another one.
async::Task<std::optional<std::string>> landmark(Engine& engine, std::string after,
                                                 std::uint64_t keys) {
  auto key = engine.reader().key_after(after, keys);
  // The decider will meet the same error.
  co_return key ? std::move(*key) : std::nullopt;
}

/// Before the deciding role begins: it asks the record.
ParallelOptions parallel_options(Engine& engine) {
  ParallelOptions options;
  options.concurrency = 1;
  if (!engine.lists_in_byte_order()) return options;
  options.concurrency = resolved_list_concurrency(engine.options().tuning);
  options.bytes_ahead = bytes_for_pages(engine.options().tuning);
  options.landmark = [&engine](std::string after, std::uint64_t keys) {
    return async::call_on(engine.runtime().executor(async::Role::decide),
                          landmark(engine, std::move(after), keys));
  };
  return options;
}

/// Lists the whole key space and feeds the decider.
async::Task<void> list_all(Pass& pass, ParallelOptions options) {
  Engine& engine = pass.engine();
  ListContext context{engine.runtime(), engine.list_store(), engine.fetch_options().retry, engine,
                      engine.list_prefix()};
  std::uint64_t keys = 0;
  const SteadyTime begun = engine.runtime().now();
  const PageSink sink = [&pass, &engine, &keys, begun](ListPage& page) {
    if (keys == 0 && engine.runtime().now() - begun < kListedSoon)
      engine.transfers().begin_with_least();
    keys += page.objects.size();
    return pass.pages.push(page);
  };
  const auto listed = co_await list_in_ranges(context, options, sink);
  if (!listed) pass.fail_listing(listed.error());
  pass.listing.keys = keys;
  pass.listing.complete = listed.has_value() && *listed;
  engine.counters().listing_done = true;
  pass.pages.close();
}

async::Task<void> decide_all(Pass& pass) {
  Decider decider(pass);
  co_await decider.run();
}

async::Task<void> publish_all(Pass& pass) {
  Publisher publisher(pass);
  co_await publisher.run();
}

async::Task<void> delete_gone(Pass& pass, const plan::DeletionLicence& licence,
                              std::optional<Error>& guard) {
  Deleter deleter(pass);
  guard = co_await deleter.run(licence);
}

/// The keys of which earlier runs left partial downloads.
void load_leftovers(Engine& engine, Pass& pass) {
  const auto names = engine.reader().partial_names();
  if (!names) return pass.abort(names.error());
  for (const record::PartialName& name : *names)
    pass.leftovers.insert(name.key);
}

/// How far there is to go, for people: by the last pass that saw everything.
void note_last_pass(Engine& engine) {
  constexpr std::size_t kLookBack = 16;
  const auto passes = engine.reader().last_passes(kLookBack);
  if (!passes) return;
  const auto last = std::find_if(passes->begin(), passes->end(), [](const record::PassRow& pass) {
    return pass.outcome == kPassComplete;
  });
  if (last != passes->end()) engine.counters().listed_before = last->listed;
}

/// What this pass has shown of the order in which the source lists. A part of it proves nothing.
void note_order(Engine& engine, const Pass& pass) {
  if (engine.list_prefix() != engine.options().source.prefix) return;
  const bool proved = pass.listing.complete && pass.listing.keys > 1;
  if (pass.listing.ordered && !proved) return;
  if (pass.listing.ordered != engine.writer().byte_order_proved())
    static_cast<void>(engine.writer().set_byte_order_proved(pass.listing.ordered));
}

async::Task<void> clear_up(Pass& pass) {
  note_order(pass.engine(), pass);
  // Nobody asked for them although everything was listed: their keys have gone, or need no
  // download.
  std::vector<std::string> unwanted;
  const bool seen_all = pass.listing.complete && !pass.ended_early() && !pass.failure();
  if (seen_all)
    std::set_difference(pass.leftovers.begin(), pass.leftovers.end(), pass.leftovers_used.begin(),
                        pass.leftovers_used.end(), std::back_inserter(unwanted));
  const auto cleared =
      clear_leftovers(pass.engine().writer(), pass.engine().destination(), unwanted);
  if (!cleared) pass.abort(cleared.error());
  co_return;
}

async::Task<void> transfer_everything(Engine& engine, Pass& pass) {
  async::Runtime& runtime = engine.runtime();
  pass.publishing.spawn(runtime.executor(async::Role::publish), publish_all(pass));
  engine.transfers().interrupt();
  // Each shard has one request at least: of fewer than that some shards have none.
  const unsigned shards =
      std::min(runtime.data_shards(), transfer_bounds(engine.options().tuning).most);
  for (unsigned shard = 0; shard < shards; ++shard)
    spawn_fetch_loop(pass, shard);
  ParallelOptions options = parallel_options(engine);
  pass.planning.spawn(runtime.executor(async::Role::verify), adopt_files(pass));
  pass.planning.spawn(runtime.executor(async::Role::decide), decide_all(pass));
  pass.planning.spawn(runtime.executor(async::Role::control), list_all(pass, std::move(options)));

  // Each stage ends when the one before it has; a stage that was cancelled closed no queue.
  co_await pass.planning.join();
  pass.parts.close();
  co_await pass.fetching.join();
  pass.publications.close();
  co_await pass.publishing.join();
  if (engine.options().dry_run) co_return;
  async::TaskGroup clearing;
  clearing.spawn(runtime.executor(async::Role::publish), clear_up(pass));
  co_await clearing.join();
}

/// What may not go on: the guard's error, if there is one.
async::Task<std::optional<Error>> delete_what_is_gone(Engine& engine, Pass& pass) {
  std::optional<Error> guard;
  if (pass.ended_early() || pass.failure()) co_return guard;
  Error why_not;
  // To report what is gone takes no permission to empty the mirror.
  const bool allow_empty =
      engine.options().allow_empty_source || !engine.options().delete_extraneous;
  const auto licence = plan::DeletionLicence::from(pass.listing, allow_empty, &why_not);
  if (!licence) {
    const auto recorded = engine.writer().totals();
    const bool something_to_lose = recorded && recorded->objects > 0;
    if (engine.options().delete_extraneous && something_to_lose) guard = std::move(why_not);
    co_return guard;
  }
  pass.deleting.spawn(engine.runtime().executor(async::Role::publish),
                      delete_gone(pass, *licence, guard));
  co_await pass.deleting.join();
  co_return guard;
}

async::Task<void> publish_generation(Pass& pass, const PassSummary& summary) {
  pass.engine().generations()->publish(pass, summary);
  co_return;
}

/// --publish-link: what readers see follows the mirror once a pass is whole.
async::Task<void> show_to_readers(Engine& engine, Pass& pass, PassSummary& summary) {
  async::TaskGroup showing;
  showing.spawn(engine.runtime().executor(async::Role::publish), publish_generation(pass, summary));
  co_await showing.join();
  summary.interrupted = pass.interrupted();
  summary.failure = pass.failure();
}

std::string outcome_of(const PassSummary& summary) {
  if (summary.interrupted) return "interrupted";
  if (summary.failure) return "failed: " + summary.failure->message;
  if (summary.guard) return "deletion refused: " + summary.guard->message;
  return kPassComplete;
}

void settle_changes(Engine& engine, const PassSummary& summary) {
  using Mirrored = Counters::Mirrored;
  const bool came_to_its_end =
      summary.listing_complete && !summary.interrupted && !summary.failure && !summary.dry_run;
  const bool all = summary.progress.count(What::failed) == 0;
  const Mirrored mirrored = all ? Mirrored::all : Mirrored::not_all;
  engine.counters().settle_changes(came_to_its_end ? mirrored : Mirrored::unknown);
}

void write_pass_row(Engine& engine, Pass& pass, std::int64_t id, std::int64_t started_ms,
                    const PassSummary& summary) {
  record::PassRow row;
  row.id = id;
  row.started_ms = started_ms;
  row.finished_ms = unix_ms(engine.runtime().wall_now());
  row.outcome = outcome_of(summary);
  row.listed = summary.progress.listed;
  row.kept = summary.progress.count(What::kept);
  row.fetched = summary.progress.count(What::fetched);
  row.fetched_bytes = summary.progress.fetched_bytes;
  row.deleted = summary.progress.count(What::deleted);
  row.failed = summary.progress.count(What::failed);
  row.refused = summary.progress.count(What::refused);
  auto written = engine.writer().end_pass(row);
  if (written) written = engine.writer().checkpoint();
  if (!written) pass.abort(written.error());
}

}  // namespace

async::Task<PassSummary> run_pass(Engine& engine, Pass& pass) {
  async::Runtime& runtime = engine.runtime();
  const SteadyTime started = runtime.now();
  const std::int64_t started_ms = unix_ms(runtime.wall_now());
  engine.counters().reset();
  note_last_pass(engine);
  engine.pass_started();

  const auto cleared = engine.reader().clear_absent();
  if (!cleared) pass.abort(cleared.error());
  std::optional<std::int64_t> pass_id;  // a dry run leaves no trace
  if (!engine.options().dry_run) {
    load_leftovers(engine, pass);
    const auto begun = engine.writer().begin_pass(started_ms);
    if (begun)
      pass_id = *begun;
    else
      pass.abort(begun.error());
  }

  PassSummary summary;
  if (!pass.ended_early()) {
    co_await transfer_everything(engine, pass);
    // Deletion comes last, and only after a complete listing.
    summary.guard = co_await delete_what_is_gone(engine, pass);
  }

  summary.listing_complete = pass.listing.complete;
  summary.interrupted = pass.interrupted();
  summary.dry_run = engine.options().dry_run;
  summary.progress = engine.counters().snapshot();
  summary.failure = pass.failure();
  summary.proofs = engine.counters().proof_counts();
  summary.unproven = engine.counters().unproven;
  summary.local_failures = engine.counters().local_failures;
  if (engine.generations() != nullptr) co_await show_to_readers(engine, pass, summary);
  if (pass_id) write_pass_row(engine, pass, *pass_id, started_ms, summary);
  summary.failure = pass.failure();
  settle_changes(engine, summary);
  summary.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(runtime.now() - started);
  co_return summary;
}

}  // namespace sluice::mirror

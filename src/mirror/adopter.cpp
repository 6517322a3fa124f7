#include "mirror/adopter.hpp"

#include "async/call_on.hpp"
#include "mirror/decider.hpp"
#include "transfer/parts_proof.hpp"
#include "transfer/retry.hpp"
#include "transfer/verify.hpp"

#include <functional>
#include <optional>
#include <utility>

namespace sluice::mirror {

namespace {

/// Asks the service about one part, on the control role.
async::Task<Result<store::ObjectHead>> ask_head(Engine& engine, store::HeadRequest request) {
  const std::function<async::Task<Result<store::ObjectHead>>()> attempt = [&]() {
    return engine.list_store().head(request);
  };
  co_return co_await transfer::with_retry<store::ObjectHead>(
      engine.runtime(), engine.fetch_options().retry, engine, attempt);
}

/// Whether the content is that of an upload in parts. If so, it has a digest from now on.
async::Task<bool> is_upload(Engine& engine, Adoption& adoption, int fd) {
  const transfer::PartsProver::AskHead ask = [&engine](store::HeadRequest request) {
    return async::call_on<Result<store::ObjectHead>>(
        engine.runtime().executor(async::Role::control), ask_head(engine, std::move(request)));
  };
  const transfer::FetchTask& task = adoption.task;
  const auto proved = co_await engine.parts_prover().recognise(ask, fd, task.key, task.version,
                                                               *adoption.composite);
  if (!proved || !*proved) co_return false;
  auto digest = transfer::digest_of_file(fd, adoption.local.size, transfer::kPartDigest);
  if (digest) adoption.expected = std::move(*digest);
  co_return digest.has_value();
}

/// Whether the file at the path is, byte for byte, what is expected. A file that cannot be read is
/// not: it will be fetched.
async::Task<bool> proves_equal(Engine& engine, Adoption& adoption) {
  const auto file = engine.destination().open_file(adoption.task.path);
  if (!file) co_return false;
  if (adoption.composite) {
    const bool same = co_await is_upload(engine, adoption, file->get());
    if (!same) co_return false;
  } else {
    const auto digest =
        transfer::digest_of_file(file->get(), adoption.local.size, adoption.expected.kind);
    if (!digest || *digest != adoption.expected) co_return false;
  }
  // It must still be the file that was looked at.
  const auto now = engine.destination().stat_file(adoption.task.path);
  const bool unchanged = now && *now == adoption.local;
  co_return unchanged;
}

bool time_differs(const Adoption& adoption) noexcept {
  return adoption.local.mtime_ns / 1'000'000 != adoption.task.version.modified_ms;
}

ObjectRow row_of(const Adoption& adoption) {
  ObjectRow row;
  row.key = adoption.task.key;
  row.version = adoption.task.version;
  row.mtime_ns = adoption.local.mtime_ns;
  row.inode = adoption.local.inode;
  row.proof = adoption.proof;
  row.digest = adoption.expected;
  return row;
}

void report_archived(Engine& engine, const Adoption& adoption) {
  ObjectEvent event;
  event.what = What::archived;
  event.key = adoption.task.key;
  event.size = adoption.task.version.size;
  event.reason = "archived";
  event.dry_run = engine.options().dry_run;
  engine.report(event);
}

async::Task<bool> settle(Pass& pass, Adoption& adoption) {
  const bool equal = co_await proves_equal(pass.engine(), adoption);
  if (!equal && adoption.archived) {
    report_archived(pass.engine(), adoption);
    co_return true;
  }
  if (pass.engine().options().dry_run) {
    Counters& counters = pass.engine().counters();
    if (!equal) ++counters.to_fetch, counters.to_fetch_bytes += adoption.task.version.size;
    ObjectEvent event;
    event.what = !equal ? What::fetched : time_differs(adoption) ? What::touched : What::adopted;
    event.key = adoption.task.key;
    event.size = adoption.task.version.size;
    event.reason = adoption.task.reason;
    event.dry_run = true;
    pass.engine().report(event);
    co_return true;
  }
  if (!equal) co_return co_await queue_parts(pass, adoption.task);

  Publication known(Publication::Kind::record, adoption.task.path);
  known.row = row_of(adoption);
  known.reason = adoption.task.reason;
  if (time_differs(adoption)) {
    known.kind = Publication::Kind::touch;  // the content is right, the time is not
    known.expected = adoption.local;
  }
  co_return co_await pass.publications.push(known);
}

}  // namespace

async::Task<void> adopt_files(Pass& pass) {
  for (;;) {
    std::optional<Adoption> adoption = co_await pass.adoptions.pop();
    if (!adoption || pass.ended_early()) break;
    const bool go_on = co_await settle(pass, *adoption);
    if (!go_on) break;
  }
  pass.parts.close();
}

}  // namespace sluice::mirror

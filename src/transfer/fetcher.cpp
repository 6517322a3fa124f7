#include "transfer/fetcher.hpp"

#include "async/call_on.hpp"
#include "base/text.hpp"
#include "transfer/part_sink.hpp"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <utility>

namespace sluice::transfer {

namespace {

constexpr std::string_view kEmptyMd5 = "d41d8cd98f00b204e9800998ecf8427e";

/// An object without bytes needs no GET: its content is known, and S3 has no empty range.
store::ObjectHead head_of_nothing(const Version& version) {
  store::ObjectHead head;
  head.version = version;
  head.opaque_etag = version.etag != kEmptyMd5;
  return head;
}

/// After these the parts that have come are those of an object that is not there any more, or not
/// wanted, or they take the room of smaller ones; after all others a later run may go on with them.
bool is_worthless(const Error& error) noexcept {
  switch (error.kind) {
    case ErrorKind::local:
      return error.os_error == ENOSPC || error.os_error == EDQUOT;
    case ErrorKind::changed:
    case ErrorKind::corrupt:
    case ErrorKind::missing_key:
    case ErrorKind::missing_bucket:
    case ErrorKind::archived:
    case ErrorKind::refused_key:
      return true;
    default:
      return false;
  }
}

bool may_restart(ErrorKind kind) noexcept {
  return kind == ErrorKind::changed || kind == ErrorKind::corrupt;
}

}  // namespace

Fetcher::Fetcher(async::Runtime& runtime, unsigned shard, store::ObjectStore& store,
                 local::Destination& destination, FileDigester& digester, PartsProver& prover,
                 BodyDigester& bodies, const FetchOptions& options, Concurrency& concurrency,
                 RetryListener& listener, FetchMeters meters, PartNote note_part)
    : runtime_(runtime),
      shard_(shard),
      store_(store),
      destination_(destination),
      digester_(digester),
      prover_(prover),
      bodies_(bodies),
      options_(options),
      concurrency_(concurrency),
      listener_(listener),
      meters_(meters),
      note_part_(std::move(note_part)) {}

async::Task<bool> Fetcher::fetch(Part& part) {
  Assembly& assembly = *part.assembly;
  if (!assembly.failed()) {
    auto fetched = co_await fetch_part(assembly, part.index);
    if (!fetched) {
      assembly.fail(fetched.error());
    } else if (assembly.plan().count() > 1 && assembly.has_part_digest(part.index)) {
      co_await note_part_(assembly, part.index);
    }
  }
  co_return assembly.end_part();
}

bool Fetcher::may_read_again(const Assembly& assembly) const noexcept {
  if (options_.verify == VerifyMode::length || assembly.failed()) return false;
  const std::uint32_t parts = assembly.plan().count();
  return parts > 1 || (parts == 1 && !assembly.has_part_digest(0));
}

async::Task<Result<void>> Fetcher::fetch_part(Assembly& assembly, std::uint32_t index) {
  auto staged = assembly.staged(destination_, shard_);
  if (!staged) co_return staged.error();
  const PartPlan& plan = assembly.plan();
  if (plan.count() == 0) {
    assembly.note_head(head_of_nothing(assembly.task().version));
    co_return Result<void>();
  }

  if (auto known = assembly.left_by_earlier_run(index)) {
    const bool resumed = co_await resume_part(assembly, index, (*staged)->fd(), std::move(*known));
    if (resumed) co_return Result<void>();
  }
  const ByteRange range = plan.range(index);
  PartSink sink(assembly, **staged, range, options_.verify, hashing_of(assembly), meters_.received,
                runtime_, concurrency_);
  const std::function<async::Task<Result<store::ObjectHead>>()> attempt = [&]() {
    // A try that failed after its last byte (surplus bytes, a broken trailer) leaves nothing to ask
    // for, and nothing to trust.
    if (sink.done() == range.length()) sink.restart();
    store::GetRequest request;
    request.key = assembly.task().key;
    request.version = assembly.task().version;
    const bool whole = plan.count() == 1 && sink.done() == 0;
    if (!whole) request.range = range.rest(sink.done());
    request.want_checksum = whole && assembly.task().has_checksum;
    return store_.get(std::move(request), sink);
  };
  auto got = co_await with_retry<store::ObjectHead>(runtime_, options_.retry, listener_, attempt,
                                                    &concurrency_);
  if (!got) co_return got.error();
  sink.note_rate();
  if (auto digest = sink.finish_digest()) {
    assembly.set_part_digest(index, std::move(*digest));
  } else if (sink.body()) {
    Digest md5 = co_await bodies_.md5(std::as_bytes(std::span(*sink.body())));
    assembly.set_part_digest(index, std::move(md5));
  }
  co_return Result<void>();
}

Hashing Fetcher::hashing_of(Assembly& assembly) const {
  const bool is_checked = assembly.plan().size() < options_.unhashed_from;
  const SteadyTime now = runtime_.now();
  const bool is_slow = now - assembly.begun(now) >= kHashedAfter;
  return is_checked || is_slow ? Hashing::always : Hashing::if_checked;
}

/// Whether the part that an earlier run has left is still what it was.
async::Task<bool> Fetcher::resume_part(Assembly& assembly, std::uint32_t index, int fd,
                                       Digest known) {
  const ByteRange range = assembly.plan().range(index);
  auto found = co_await async::call_on<Result<Digest>>(
      runtime_.executor(async::Role::verify), digest_of_range_task(fd, range, kPartDigest));
  if (!found || *found != known) co_return false;
  assembly.set_part_digest(index, std::move(*found));
  meters_.resumed.fetch_add(range.length(), std::memory_order_relaxed);
  assembly.add_received(range.length());
  co_return true;
}

async::Task<Result<store::ObjectHead>> Fetcher::head(store::HeadRequest request) {
  const std::function<async::Task<Result<store::ObjectHead>>()> attempt = [&]() {
    return store_.head(request);
  };
  co_return co_await with_retry<store::ObjectHead>(runtime_, options_.retry, listener_, attempt,
                                                   &concurrency_);
}

async::Task<void> Fetcher::fetch_serially(Assembly& assembly) {
  const std::uint32_t parts = std::max(assembly.plan().count(), 1u);
  for (std::uint32_t index = 0; index < parts && !assembly.failed(); ++index) {
    auto fetched = co_await fetch_part(assembly, index);
    if (!fetched) assembly.fail(fetched.error());
  }
}

async::Task<FetchOutcome> Fetcher::finish(std::shared_ptr<Assembly> assembly) {
  for (unsigned restarts = 0;; ++restarts) {
    Error error;
    if (assembly->failed()) {
      error = assembly->error();
    } else {
      auto done = co_await complete(*assembly);
      if (done) co_return FetchOutcome(std::move(*done));
      error = done.error();
    }
    const bool worthless = is_worthless(error);
    if (worthless) assembly->discard();
    const bool voids_partial = worthless && assembly->plan().count() > 1;
    FetchTask task = assembly->take_task();
    const auto failed = [&task, voids_partial](Error why) {
      FetchOutcome outcome(std::move(task), std::move(why));
      outcome.voids_partial = voids_partial;
      return outcome;
    };
    if (!may_restart(error.kind) || restarts == kMaxRestarts) co_return failed(std::move(error));

    listener_.on_retry(error, restarts + 1, std::chrono::milliseconds(0));
    store::HeadRequest request;
    request.key = task.key;
    request.want_checksum = options_.verify != VerifyMode::length;
    auto now = co_await head(std::move(request));
    if (!now) co_return failed(now.error());
    task.version = now->version;
    // What the listing said of checksums was of the version before.
    task.has_checksum = !now->checksums.empty();
    const PartPlan plan(task.version.size, options_.part_bytes);
    assembly = std::make_shared<Assembly>(std::move(task), plan);
    co_await fetch_serially(*assembly);
  }
}

async::Task<Result<Digest>> Fetcher::hash_file(int fd, std::uint64_t size, DigestKind kind) {
  if (kind == DigestKind::md5) return digester_.md5(fd, size);
  return async::call_on<Result<Digest>>(runtime_.executor(async::Role::verify),
                                        digest_of_file_task(fd, size, kind));
}

/// A ranged answer has no checksum of the whole: where the listing promises one, a HEAD brings it.
bool Fetcher::needs_head(const Assembly& assembly) const noexcept {
  return assembly.plan().count() > 1 && assembly.task().has_checksum &&
         options_.verify != VerifyMode::length;
}

async::Task<Result<store::ObjectHead>> Fetcher::ask_for_head(const Assembly& assembly,
                                                             store::ObjectHead known) {
  const FetchTask& task = assembly.task();
  store::HeadRequest request;
  request.key = task.key;
  request.want_checksum = true;
  auto asked = co_await head(std::move(request));
  if (!asked) co_return asked.error();
  if (asked->version.size != task.version.size || asked->version.etag != known.version.etag)
    co_return Error(ErrorKind::changed,
                    "'" + text::escaped(task.key) + "' was replaced while it was being fetched");
  co_return std::move(*asked);
}

/// How content is proved for which the server has no digest of the whole, if that can be.
async::Task<Result<Proof>> Fetcher::prove(Assembly& assembly, const store::ObjectHead& head) {
  if (const auto composite = composite_digest(head)) {
    const FetchTask& task = assembly.task();
    const int fd = assembly.staged_file().fd();
    const PartsProver::AskHead ask = [this](store::HeadRequest r) {
      return this->head(std::move(r));
    };
    const auto proved = co_await prover_.prove(ask, fd, task.key, task.version, *composite);
    if (!proved) co_return proved.error();
    if (*proved) co_return Proof::composite;
  }
  if (options_.verify != VerifyMode::strict) co_return Proof::length;
  co_return unproven_error(assembly.task().key);
}

async::Task<Result<std::unique_ptr<StagedObject>>> Fetcher::complete(Assembly& assembly) {
  // Named step by step: the proof, the digest, the time; only then is it a staged object.
  std::optional<store::ObjectHead> head = assembly.head();
  if (!head) co_return Error(ErrorKind::corrupt, "the object was never answered for");
  if (needs_head(assembly)) {
    auto asked = co_await ask_for_head(assembly, std::move(*head));
    if (!asked) co_return asked.error();
    head = std::move(*asked);
  }
  const Evidence evidence = strongest_evidence(*head, options_.verify);
  Proof proof = evidence.proof;
  const bool is_nothing = assembly.plan().size() == 0;
  if (proof == Proof::length && options_.verify != VerifyMode::length && !is_nothing) {
    const auto proved = co_await prove(assembly, *head);
    if (!proved) co_return proved.error();
    proof = *proved;
  }

  local::StagedFile& file = assembly.staged_file();
  Digest computed;
  if (auto streamed = assembly.streamed_digest(evidence.compute)) {
    computed = std::move(*streamed);
  } else if (is_nothing) {
    computed = RunningDigest(evidence.compute).finish();
  } else if (assembly.plan().size() < options_.unhashed_from) {
    auto hashed = co_await hash_file(file.fd(), assembly.plan().size(), evidence.compute);
    if (!hashed) co_return hashed.error();
    computed = std::move(*hashed);
  }
  const auto checked = check(evidence, computed, assembly.task().key);
  if (!checked) co_return checked.error();

  const auto finished = file.finish(assembly.task().version.modified_ms);
  if (!finished) co_return finished.error();
  if (finished->size != assembly.plan().size())
    co_return Error(ErrorKind::corrupt, "the staged file has not the length of the object");
  std::optional<PartialRow> partial;
  if (assembly.plan().count() > 1) partial = assembly.partial_row();
  auto object = std::make_unique<StagedObject>(assembly.take_task(), assembly.take_staged());
  object->partial = std::move(partial);
  object->local = *finished;
  object->proof = proof;
  object->digest = std::move(computed);
  co_return object;
}

}  // namespace sluice::transfer

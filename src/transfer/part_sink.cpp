#include "transfer/part_sink.hpp"

#include "base/text.hpp"
#include "base/units.hpp"
#include "transfer/body_digester.hpp"

namespace sluice::transfer {

PartSink::PartSink(Assembly& assembly, local::StagedFile& file, ByteRange range, VerifyMode mode,
                   Hashing hashing, std::atomic<std::uint64_t>& received, async::Runtime& runtime,
                   Concurrency& concurrency)
    : assembly_(assembly),
      file_(file),
      range_(range),
      mode_(mode),
      hashing_(hashing),
      received_(received),
      runtime_(runtime),
      concurrency_(concurrency) {
  if (range.length() >= PeerRates::kLeastBytes) watch_.emplace(concurrency.peers());
}

Result<void> PartSink::begin(const store::ObjectHead& head) {
  if (watch_) watch_->begin(runtime_.now(), done_);
  assembly_.note_head(head);
  if (digest_ || body_ || hashing_ == Hashing::if_checked) return {};
  // Of many parts each has the CRC by which a later run may know it again.
  const bool single = assembly_.plan().count() == 1;
  const DigestKind kind =
      single ? strongest_evidence(*assembly_.head(), mode_).compute : kPartDigest;
  if (kind != DigestKind::md5) {
    digest_.emplace(kind);
  } else if (range_.length() <= BodyDigester::kMostBytes) {
    body_.emplace();
    body_->reserve(range_.length());
  }
  return {};
}

Result<void> PartSink::write(std::span<const std::byte> bytes) {
  const auto written = file_.write_at(range_.offset() + done_, bytes);
  if (!written) return written.error();
  if (digest_) digest_->update(bytes);
  if (body_) body_->append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return count(bytes.size());
}

/// Of a body that is hashed together with others from memory the bytes are needed there.
bool PartSink::takes_pipe() const noexcept {
  return range_.length() > BodyDigester::kMostBytes;
}

Result<void> PartSink::write_pipe(Pipe& pipe) {
  const auto piece = ByteRange::make(range_.offset() + done_, pipe.held());
  const auto written = file_.write_at(piece->offset(), pipe);
  if (!written) return written.error();
  // They have only just been written, and are in the cache.
  if (digest_) {
    if (auto hashed = hash_range(*digest_, file_.fd(), *piece); !hashed) return hashed;
  }
  return count(piece->length());
}

Result<void> PartSink::count(std::uint64_t bytes) {
  done_ += bytes;
  received_.fetch_add(bytes, std::memory_order_relaxed);
  assembly_.add_received(bytes);
  if (auto crawling = crawls()) return *std::move(crawling);
  return {};
}

std::optional<Error> PartSink::crawls() {
  if (!watch_ || done_ == range_.length()) return std::nullopt;
  const bool idle = concurrency_.in_use() < concurrency_.limit();
  const auto peers = watch_->crawls(runtime_.now(), done_,
                                    idle ? CrawlWatch::Others::idle : CrawlWatch::Others::busy);
  if (!peers) return std::nullopt;
  const auto rate = [](double bytes) {
    return units::format_size(static_cast<std::uint64_t>(bytes)) + "/s";
  };
  Error error(ErrorKind::transient, "a part of '" + text::escaped(assembly_.task().key) +
                                        "' came at " + rate(watch_->rate()) + ", others at " +
                                        rate(*peers) +
                                        ": the rest of it is asked for over another connection");
  error.code = kCrawls;
  return error;
}

void PartSink::note_rate() noexcept {
  if (!watch_) return;
  const SteadyTime now = runtime_.now();
  concurrency_.peers().ended(now, done_ - watch_->done_before(), now - watch_->begun());
}

void PartSink::restart() {
  received_.fetch_sub(done_, std::memory_order_relaxed);
  assembly_.drop_received(done_);
  done_ = 0;
  digest_.reset();
  body_.reset();
}

std::optional<Digest> PartSink::finish_digest() {
  if (!digest_) return std::nullopt;
  return digest_->finish();
}

}  // namespace sluice::transfer

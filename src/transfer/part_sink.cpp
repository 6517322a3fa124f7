#include "transfer/part_sink.hpp"

#include "transfer/body_digester.hpp"

namespace sluice::transfer {

PartSink::PartSink(Assembly& assembly, local::StagedFile& file, ByteRange range, VerifyMode mode,
                   Hashing hashing, std::atomic<std::uint64_t>& received)
    : assembly_(assembly),
      file_(file),
      range_(range),
      mode_(mode),
      hashing_(hashing),
      received_(received) {}

Result<void> PartSink::begin(const store::ObjectHead& head) {
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
  count(bytes.size());
  return {};
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
  count(piece->length());
  return {};
}

void PartSink::count(std::uint64_t bytes) {
  done_ += bytes;
  received_.fetch_add(bytes, std::memory_order_relaxed);
}

void PartSink::restart() {
  received_.fetch_sub(done_, std::memory_order_relaxed);
  done_ = 0;
  digest_.reset();
  body_.reset();
}

std::optional<Digest> PartSink::finish_digest() {
  if (!digest_) return std::nullopt;
  return digest_->finish();
}

}  // namespace sluice::transfer

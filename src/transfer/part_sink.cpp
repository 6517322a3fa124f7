#include "transfer/part_sink.hpp"

namespace sluice::transfer {

PartSink::PartSink(Assembly& assembly, local::StagedFile& file, ByteRange range, VerifyMode mode,
                   std::atomic<std::uint64_t>& received)
    : assembly_(assembly), file_(file), range_(range), mode_(mode), received_(received) {}

Result<void> PartSink::begin(const store::ObjectHead& head) {
  assembly_.note_head(head);
  if (digest_) return {};
  // Of many parts each has the CRC by which a later run may know it again.
  const bool single = assembly_.plan().count() == 1;
  digest_.emplace(single ? strongest_evidence(*assembly_.head(), mode_).compute : kPartDigest);
  return {};
}

Result<void> PartSink::write(std::span<const std::byte> bytes) {
  const auto written = file_.write_at(range_.offset() + done_, bytes);
  if (!written) return written.error();
  if (digest_) digest_->update(bytes);
  done_ += bytes.size();
  received_.fetch_add(bytes.size(), std::memory_order_relaxed);
  return {};
}

void PartSink::restart() {
  received_.fetch_sub(done_, std::memory_order_relaxed);
  done_ = 0;
  digest_.reset();
}

std::optional<Digest> PartSink::finish_digest() {
  if (!digest_) return std::nullopt;
  return digest_->finish();
}

}  // namespace sluice::transfer

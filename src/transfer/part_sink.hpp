#pragma once

#include "local/destination.hpp"
#include "store/object_store.hpp"
#include "transfer/assembly.hpp"
#include "transfer/concurrency.hpp"
#include "transfer/crawl.hpp"
#include "transfer/verify.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

namespace sluice::transfer {

/// Whether a body is hashed although nothing is checked by it (--verify length).
enum class Hashing : std::uint8_t { always, if_checked };

/// Writes the bytes of one part to the staged file and hashes them as they stream by: an object in
/// one part with the digest that is wanted, each of many parts with a CRC64NVME (any other digest
/// of the whole is taken from the staged file later). It lives over all tries of its part: a retry
/// resumes after the last good byte. A small body whose MD5 is wanted is kept instead, to be hashed
/// together with others. What comes in a pipe is hashed as soon as it is written, from the page
/// cache. A body that crawls is ended with the error kCrawls.
class PartSink final : public store::BodySink {
 public:
  PartSink(Assembly& assembly, local::StagedFile& file, ByteRange range, VerifyMode mode,
           Hashing hashing, std::atomic<std::uint64_t>& received, async::Runtime& runtime,
           Concurrency& concurrency);

  Result<void> begin(const store::ObjectHead& head) override;
  Result<void> write(std::span<const std::byte> bytes) override;
  bool takes_pipe() const noexcept override;
  Result<void> write_pipe(Pipe& pipe) override;

  std::uint64_t done() const noexcept { return done_; }
  void restart();  ///< forgets the bytes so far
  /// Once the part is complete: lets its peers know how fast it came.
  void note_rate() noexcept;
  /// The digest of the part, once it is complete.
  std::optional<Digest> finish_digest();
  /// The whole body, once it is complete, if it has been kept.
  const std::optional<std::string>& body() const noexcept { return body_; }

 private:
  /// Counts what has been written; the error if the body crawls.
  Result<void> count(std::uint64_t bytes);
  std::optional<Error> crawls();

  Assembly& assembly_;
  local::StagedFile& file_;
  const ByteRange range_;
  const VerifyMode mode_;
  const Hashing hashing_;
  std::atomic<std::uint64_t>& received_;
  async::Runtime& runtime_;
  Concurrency& concurrency_;
  std::optional<CrawlWatch> watch_;  ///< not of a small part
  std::uint64_t done_ = 0;
  std::optional<RunningDigest> digest_;
  std::optional<std::string> body_;
};

}  // namespace sluice::transfer

#pragma once

#include "async/runtime.hpp"
#include "base/result.hpp"
#include "model/proof.hpp"
#include "model/range.hpp"
#include "store/object_store.hpp"
#include "transfer/file_digester.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Proof of an object that was uploaded in parts, where the server keeps no checksum of the whole
/// (design 8, level 3): it keeps a digest over the digests of the parts, which can be worked out
/// from the file once it is known where one part ended and the next began.
namespace sluice::transfer {

struct CompositeDigest {
  Digest expected;  ///< its kind is that of the parts' digests as well
  std::uint32_t parts = 0;
};

/// The MD5s in an ETag of the form `md5-N`; nullopt if it has another. Pure.
std::optional<CompositeDigest> composite_of_etag(std::string_view etag);

/// A composite checksum, else the ETag; nullopt without either. Pure.
std::optional<CompositeDigest> composite_digest(const store::ObjectHead& head);

using Parts = std::vector<ByteRange>;

/// `size` bytes cut into parts of `part_bytes` and a last one that is not larger; nullopt unless
/// these are `count`.
std::optional<Parts> even_parts(std::uint64_t size, std::uint64_t part_bytes, std::uint32_t count);

/// The part sizes of whole MiB that make `count` parts, if they are few: with many parts there is
/// often but one. No part is smaller than 5 MiB but the last (S3 user guide).
std::vector<std::uint64_t> plausible_part_bytes(std::uint64_t size, std::uint32_t count);

/// Whether something that may not work with this server is worth another try.
class Prospect {
 public:
  static constexpr unsigned kMostInVain = 4;

  bool is_good() const noexcept { return ever_worked_ || in_vain_ < kMostInVain; }
  void note(bool worked) noexcept {
    if (worked)
      ever_worked_ = true;
    else
      ++in_vain_;
  }

 private:
  std::atomic<bool> ever_worked_ = false;
  std::atomic<unsigned> in_vain_ = 0;
};

/// One for the whole engine; it must outlive every call. Threads: any role may call.
class PartsProver {
 public:
  /// A HEAD with retries.
  using AskHead = std::function<async::Task<Result<store::ObjectHead>>(store::HeadRequest)>;

  /// In which the AWS command line and most SDKs upload.
  static constexpr std::uint64_t kUsualPartBytes = 8u << 20;

  /// Both must outlive this.
  PartsProver(async::Runtime& runtime, FileDigester& digester)
      : runtime_(runtime), digester_(digester) {}

  /// True: the file is what `composite` says. False: the server does not tell how the object was
  /// cut. `corrupt`: it is something else. The part size that proved the object before is tried
  /// first, so that objects uploaded alike cost no request; then the first part is asked for, and
  /// all of them only if even parts do not give the digest. If the server does not tell, plausible
  /// sizes are tried.
  async::Task<Result<bool>> prove(const AskHead& ask_head, int fd, const std::string& key,
                                  const Version& version, const CompositeDigest& composite);
  /// The same of a file that may well be something else: true if even parts prove that it is not.
  /// Asks for the first part at most.
  async::Task<Result<bool>> recognise(const AskHead& ask_head, int fd, const std::string& key,
                                      const Version& version, const CompositeDigest& composite);

 private:
  /// What even parts tell.
  struct Look {
    bool proved = false;
    std::optional<store::UploadedPart> first;  ///< as the server has it, if it was asked and told
  };
  async::Task<Result<Look>> look(const AskHead& ask_head, int fd, const std::string& key,
                                 const Version& version, const CompositeDigest& composite);
  async::Task<Result<bool>> fits(int fd, const std::optional<Parts>& parts,
                                 const CompositeDigest& composite);
  async::Task<Result<Look>> guess(int fd, const Version& version, const CompositeDigest& composite,
                                  std::uint64_t tried);
  async::Task<Result<Digest>> digest_over(int fd, const Parts& parts, DigestKind kind);

  async::Runtime& runtime_;
  FileDigester& digester_;
  std::atomic<std::uint64_t> likely_part_bytes_ = kUsualPartBytes;
  Prospect guessing_;  ///< where ETags are no MD5s, or the parts are never told, it is all in vain
  Prospect asking_;    ///< many servers know no parts
};

}  // namespace sluice::transfer

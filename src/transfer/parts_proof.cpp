#include "transfer/parts_proof.hpp"

#include "async/call_on.hpp"
#include "base/text.hpp"
#include "transfer/verify.hpp"

#include <algorithm>
#include <utility>

namespace sluice::transfer {

namespace {

/// S3 user guide, "Amazon S3 multipart upload limits".
constexpr std::uint64_t kMaxParts = 10'000;

/// N of an ETag `md5-N`, 0 if it has not that form.
std::uint32_t parts_of_etag(std::string_view etag) {
  const std::size_t dash = etag.find('-');
  if (dash == std::string_view::npos || !is_md5_etag(etag.substr(0, dash))) return 0;
  const auto parts = text::parse_uint(etag.substr(dash + 1));
  return parts && *parts <= kMaxParts ? static_cast<std::uint32_t>(*parts) : 0;
}

/// What servers answer that do not know the parameter, or not for this object.
bool knows_no_parts(const Error& error) noexcept {
  const int status = error.http_status;
  return status == 400 || status == 405 || status == 416 || status == 501;
}

Digest digest_of(const std::vector<Digest>& parts, DigestKind kind) {
  RunningDigest whole(kind);
  for (const Digest& part : parts)
    whole.update(std::as_bytes(std::span(part.bytes.data(), part.bytes.size())));
  return whole.finish();
}

Error corrupt(const std::string& key, const CompositeDigest& composite, const Digest& computed) {
  const auto hex = [](const Digest& digest) {
    return text::hex(std::as_bytes(std::span(digest.bytes.data(), digest.bytes.size())));
  };
  std::string message = "the content of '" + text::escaped(key) +
                        "' is not what the bucket holds: " + std::string(to_string(computed.kind)) +
                        " over its " + std::to_string(composite.parts) + " parts is " +
                        hex(computed) + ", the server says " + hex(composite.expected) +
                        "; it was not installed";
  if (computed.kind == DigestKind::md5)
    message += " (where ETags are known to be no MD5s, --verify length goes by the length)";
  return Error(ErrorKind::corrupt, std::move(message));
}

/// What the workers of one object share; all of them run on the verify role.
struct Md5Work {
  FileDigester& digester;
  int fd;
  const Parts& parts;
  std::vector<Digest> digests;
  std::size_t next = 0;
  std::optional<Error> error;
};

async::Task<void> hash_parts(Md5Work& work) {
  while (work.next < work.parts.size() && !work.error) {
    const std::size_t index = work.next++;
    auto digest = co_await work.digester.md5(work.fd, work.parts[index]);
    if (digest)
      work.digests[index] = std::move(*digest);
    else
      work.error = digest.error();
  }
}

async::Task<Result<std::optional<store::UploadedPart>>> ask_part(
    const PartsProver::AskHead& ask_head, const std::string& key, const Version& version,
    std::uint32_t number) {
  store::HeadRequest request;
  request.key = key;
  request.part = number;
  const auto head = co_await ask_head(std::move(request));
  std::optional<store::UploadedPart> part;
  if (!head) {
    if (knows_no_parts(head.error())) co_return part;
    co_return head.error();
  }
  if (head->version.etag != version.etag)
    co_return Error(ErrorKind::changed,
                    "'" + text::escaped(key) + "' was replaced while it was being fetched");
  part = head->part;
  co_return part;
}

async::Task<Result<std::optional<Parts>>> ask_all(const PartsProver::AskHead& ask_head,
                                                  const std::string& key, const Version& version,
                                                  const store::UploadedPart& first) {
  std::optional<Parts> none;
  Parts parts;
  std::uint64_t offset = 0;
  std::optional<store::UploadedPart> part = first;
  for (std::uint32_t number = 1;; ++number) {
    const auto range = ByteRange::make(offset, part->bytes);
    if (!range || part->bytes > version.size - offset) co_return none;
    parts.push_back(*range);
    offset += part->bytes;
    if (number == first.count) break;
    const auto next = co_await ask_part(ask_head, key, version, number + 1);
    if (!next) co_return next.error();
    if (!*next) co_return none;
    part = *next;
  }
  if (offset != version.size) co_return none;
  co_return std::optional<Parts>(std::move(parts));
}

}  // namespace

std::optional<CompositeDigest> composite_of_etag(std::string_view etag) {
  const std::uint32_t parts = parts_of_etag(etag);
  if (parts == 0) return std::nullopt;
  const std::string md5 = text::lower(etag.substr(0, etag.find('-')));
  return CompositeDigest{Digest{DigestKind::md5, *text::from_hex(md5)}, parts};
}

std::optional<CompositeDigest> composite_digest(const store::ObjectHead& head) {
  const std::uint32_t etag_parts = parts_of_etag(head.version.etag);
  for (const store::Checksum& checksum : head.checksums) {
    const std::uint32_t parts = checksum.parts != 0 ? checksum.parts : etag_parts;
    if (!checksum.full_object && parts != 0) return CompositeDigest{checksum.digest, parts};
  }
  if (head.opaque_etag) return std::nullopt;
  return composite_of_etag(head.version.etag);
}

std::optional<Parts> even_parts(std::uint64_t size, std::uint64_t part_bytes, std::uint32_t count) {
  if (part_bytes == 0 || count == 0) return std::nullopt;
  if (size / part_bytes + (size % part_bytes != 0 ? 1 : 0) != count) return std::nullopt;
  Parts parts;
  parts.reserve(count);
  for (std::uint64_t offset = 0; offset < size; offset += part_bytes)
    parts.push_back(*ByteRange::make(offset, std::min(part_bytes, size - offset)));
  return parts;
}

std::vector<std::uint64_t> plausible_part_bytes(std::uint64_t size, std::uint32_t count) {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  constexpr std::uint64_t kSmallest = 5 * kMiB;
  constexpr std::size_t kMost = 4;
  std::vector<std::uint64_t> sizes;
  if (count < 2) return sizes;
  const std::uint64_t least = std::max(size / count / kMiB * kMiB, kSmallest);
  for (std::uint64_t bytes = least; bytes < size && sizes.size() <= kMost; bytes += kMiB) {
    const std::uint64_t parts = size / bytes + (size % bytes != 0 ? 1 : 0);
    if (parts < count) break;
    if (parts == count) sizes.push_back(bytes);
  }
  if (sizes.size() > kMost) sizes.clear();
  return sizes;
}

/// Whether the file, cut so, has the digest; false without parts.
async::Task<Result<bool>> PartsProver::fits(int fd, const std::optional<Parts>& parts,
                                            const CompositeDigest& composite) {
  if (!parts) co_return false;
  const auto digest = co_await digest_over(fd, *parts, composite.expected.kind);
  if (!digest) co_return digest.error();
  co_return *digest == composite.expected;
}

/// For a server that does not tell. `tried`: what does not fit. Others may have found out more in
/// the meantime.
async::Task<Result<PartsProver::Look>> PartsProver::guess(int fd, const Version& version,
                                                          const CompositeDigest& composite,
                                                          std::uint64_t tried) {
  Look seen;
  for (const std::uint64_t bytes : plausible_part_bytes(version.size, composite.parts)) {
    if (bytes == tried || !guessing_.is_good()) continue;
    const auto parts = even_parts(version.size, bytes, composite.parts);
    const auto proved = co_await fits(fd, parts, composite);
    if (!proved) co_return proved.error();
    guessing_.note(*proved);
    seen.proved = *proved;
    if (!seen.proved) continue;
    likely_part_bytes_ = bytes;
    break;
  }
  co_return seen;
}

async::Task<Result<PartsProver::Look>> PartsProver::look(const AskHead& ask_head, int fd,
                                                         const std::string& key,
                                                         const Version& version,
                                                         const CompositeDigest& composite) {
  Look seen;
  // 1. As objects before it: a digest that fits proves the content, however its parts were guessed.
  const std::uint64_t likely = composite.parts == 1 ? version.size : likely_part_bytes_.load();
  std::optional<Parts> guessed;
  if (guessing_.is_good()) guessed = even_parts(version.size, likely, composite.parts);
  const auto as_before = co_await fits(fd, guessed, composite);
  if (!as_before) co_return as_before.error();
  seen.proved = *as_before;
  if (guessed) guessing_.note(seen.proved);
  if (seen.proved) co_return seen;
  const std::uint64_t tried = guessed ? likely : 0;

  // 2. As its first part, if that gives the right number.
  if (!asking_.is_good()) co_return co_await guess(fd, version, composite, tried);
  const auto first = co_await ask_part(ask_head, key, version, 1);
  if (!first) co_return first.error();
  asking_.note(first->has_value());
  if (!*first) co_return co_await guess(fd, version, composite, tried);
  if ((*first)->count != composite.parts) co_return seen;
  seen.first = *first;
  const auto even = even_parts(version.size, seen.first->bytes, composite.parts);
  if (even == guessed) co_return seen;
  const auto as_first = co_await fits(fd, even, composite);
  if (!as_first) co_return as_first.error();
  seen.proved = *as_first;
  if (seen.proved) {
    likely_part_bytes_ = seen.first->bytes;
    guessing_.note(true);  // as this one was cut
  }
  co_return seen;
}

async::Task<Result<bool>> PartsProver::recognise(const AskHead& ask_head, int fd,
                                                 const std::string& key, const Version& version,
                                                 const CompositeDigest& composite) {
  const auto seen = co_await look(ask_head, fd, key, version, composite);
  if (!seen) co_return seen.error();
  co_return seen->proved;
}

async::Task<Result<bool>> PartsProver::prove(const AskHead& ask_head, int fd,
                                             const std::string& key, const Version& version,
                                             const CompositeDigest& composite) {
  const auto seen = co_await look(ask_head, fd, key, version, composite);
  if (!seen) co_return seen.error();
  if (seen->proved || !seen->first) co_return seen->proved;
  // As it was cut indeed: no file is accused on a guess. A request a part is little beside the
  // 5 MiB that a part has at least.
  const auto all = co_await ask_all(ask_head, key, version, *seen->first);
  if (!all) co_return all.error();
  if (!*all) co_return false;
  const auto digest = co_await digest_over(fd, **all, composite.expected.kind);
  if (!digest) co_return digest.error();
  if (*digest == composite.expected) co_return true;
  co_return corrupt(key, composite, *digest);
}

async::Task<Result<Digest>> PartsProver::digest_over(int fd, const Parts& parts, DigestKind kind) {
  if (kind != DigestKind::md5) {
    std::vector<Digest> digests;
    for (const ByteRange& part : parts) {
      auto digest = co_await async::call_on<Result<Digest>>(runtime_.executor(async::Role::verify),
                                                            digest_of_range_task(fd, part, kind));
      if (!digest) co_return digest.error();
      digests.push_back(std::move(*digest));
    }
    co_return digest_of(digests, kind);
  }
  Md5Work work{digester_, fd, parts, std::vector<Digest>(parts.size()), 0, std::nullopt};
  std::vector<async::Task<void>> workers;
  for (std::size_t i = 0; i < std::min(crypto::kMd5Lanes, parts.size()); ++i)
    workers.push_back(hash_parts(work));
  co_await async::run_all(runtime_.executor(async::Role::verify), std::move(workers));
  if (work.error) co_return *work.error;
  co_return digest_of(work.digests, kind);
}

}  // namespace sluice::transfer

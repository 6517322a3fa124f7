#include "origin/memory_bucket.hpp"

#include "origin/dates.hpp"

#include <algorithm>

namespace sluice::origin {

class MemoryBucket::Version {
 public:
  Version(std::string key, ContentPtr content, std::int64_t modified_ms, ObjectOptions options)
      : content_(std::move(content)), options_(std::move(options)) {
    info_.key = std::move(key);
    info_.size = content_->size();
    info_.modified_ms = modified_ms;
    info_.storage_class = options_.storage_class;
    info_.part_bytes = options_.part_bytes;
    info_.restored_until_ms = options_.restored_until_ms;
    info_.sse_c_key = options_.sse_c_key;
    info_.headers = options_.headers;
  }

  const ContentPtr& content() const { return content_; }

  const ObjectInfo& info() {
    std::call_once(worked_out_, [this] { work_out(); });
    return info_;
  }

 private:
  void work_out() {
    if (options_.etag) {
      info_.etag = *options_.etag;
    } else if (!options_.sse_c_key.empty()) {
      // In the form of an MD5, as S3 does it.
      info_.etag = md5_etag(*bytes_content("no MD5 of " + info_.key + md5_etag(*content_)));
    } else if (options_.part_bytes > 0) {
      info_.etag = multipart_etag(*content_, options_.part_bytes);
    } else {
      info_.etag = md5_etag(*content_);
    }
    if (!options_.checksum) return;
    Checksum checksum;
    checksum.algorithm = *options_.checksum;
    checksum.type = options_.checksum_type;
    checksum.value = options_.checksum_value;
    if (checksum.value.empty() && checksum.type == ChecksumType::full_object) {
      checksum.value = checksum_value(checksum.algorithm, *content_);
    } else if (checksum.value.empty()) {
      const std::uint64_t part = std::max<std::uint64_t>(
          options_.part_bytes > 0 ? options_.part_bytes : content_->size(), 1);
      checksum.value = composite_checksum(checksum.algorithm, *content_, part);
    }
    info_.checksum = std::move(checksum);
  }

  ContentPtr content_;
  ObjectOptions options_;
  ObjectInfo info_;
  std::once_flag worked_out_;
};

MemoryBucket::MemoryBucket() = default;
MemoryBucket::~MemoryBucket() = default;

void MemoryBucket::put(std::string_view key, std::string bytes, std::int64_t modified_ms,
                       ObjectOptions options) {
  put_content(key, bytes_content(std::move(bytes)), modified_ms, std::move(options));
}

void MemoryBucket::put_generated(std::string_view key, std::uint64_t size, std::uint64_t seed,
                                 std::int64_t modified_ms, ObjectOptions options) {
  put_content(key, generated_content(size, seed), modified_ms, std::move(options));
}

void MemoryBucket::put_content(std::string_view key, ContentPtr content, std::int64_t modified_ms,
                               ObjectOptions options) {
  auto version =
      std::make_shared<Version>(std::string(key), std::move(content),
                                modified_ms == 0 ? now_ms() : modified_ms, std::move(options));
  const std::lock_guard lock(mutex_);
  history_[std::string(key)].push_back(version);
  current_.insert_or_assign(std::string(key), std::move(version));
}

bool MemoryBucket::remove(std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto found = current_.find(key);
  if (found == current_.end()) return false;
  current_.erase(found);
  return true;
}

std::vector<Object> MemoryBucket::versions(std::string_view key) const {
  std::vector<VersionPtr> held;
  {
    const std::lock_guard lock(mutex_);
    const auto found = history_.find(key);
    if (found != history_.end()) held = found->second;
  }
  std::vector<Object> out;
  for (const VersionPtr& version : held)
    out.push_back({version->info(), version->content()});
  return out;
}

bool MemoryBucket::was_ever(std::string_view key, std::string_view bytes) const {
  return was_ever(key, *bytes_content(std::string(bytes)));
}

bool MemoryBucket::was_ever(std::string_view key, const Content& content) const {
  std::vector<VersionPtr> held;
  {
    const std::lock_guard lock(mutex_);
    const auto found = history_.find(key);
    if (found != history_.end()) held = found->second;
  }
  return std::any_of(held.begin(), held.end(), [&content](const VersionPtr& version) {
    return same_bytes(*version->content(), content);
  });
}

std::vector<std::string> MemoryBucket::keys() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  out.reserve(current_.size());
  for (const auto& entry : current_)
    out.push_back(entry.first);
  return out;
}

std::size_t MemoryBucket::size() const {
  const std::lock_guard lock(mutex_);
  return current_.size();
}

std::vector<ObjectInfo> MemoryBucket::list_from(std::string_view from, std::size_t limit) {
  std::vector<VersionPtr> found;
  {
    const std::lock_guard lock(mutex_);
    for (auto at = current_.lower_bound(from); at != current_.end() && found.size() < limit; ++at) {
      found.push_back(at->second);
    }
  }
  // Outside the lock: info() may have to hash the content first.
  std::vector<ObjectInfo> out;
  out.reserve(found.size());
  for (const VersionPtr& version : found)
    out.push_back(version->info());
  return out;
}

std::optional<Object> MemoryBucket::find(std::string_view key) {
  VersionPtr version;
  {
    const std::lock_guard lock(mutex_);
    const auto found = current_.find(key);
    if (found == current_.end()) return std::nullopt;
    version = found->second;
  }
  return Object{version->info(), version->content()};
}

bool MemoryBucket::replace(std::string_view key, ContentPtr content) {
  put_content(key, std::move(content));
  return true;
}

bool MemoryBucket::erase(std::string_view key) {
  return remove(key);
}

}  // namespace sluice::origin

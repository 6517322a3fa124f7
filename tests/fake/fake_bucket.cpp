#include "fake_bucket.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <utility>

namespace sluice::fake {

std::string md5_hex(std::string_view content) {
  const std::string digest = crypto::digest(crypto::Algorithm::md5, crypto::bytes_of(content));
  return text::hex(crypto::bytes_of(digest));
}

std::string composite(crypto::Algorithm algorithm, std::string_view content,
                      const std::vector<std::uint64_t>& parts) {
  std::string digests;
  for (const std::uint64_t bytes : parts) {
    digests += crypto::digest(algorithm, crypto::bytes_of(content.substr(0, bytes)));
    content.remove_prefix(bytes);
  }
  return crypto::digest(algorithm, crypto::bytes_of(digests));
}

void Bucket::put_in_parts(const std::string& key, std::string content,
                          std::vector<std::uint64_t> parts, std::int64_t modified_ms) {
  Object object;
  const std::string md5 = composite(crypto::Algorithm::md5, content, parts);
  object.version.etag = text::hex(crypto::bytes_of(md5)) + '-' + std::to_string(parts.size());
  object.version.size = content.size();
  object.version.modified_ms = modified_ms;
  object.content = std::move(content);
  object.parts = std::move(parts);
  put_object(key, std::move(object));
}

void Bucket::put(const std::string& key, std::string content, std::int64_t modified_ms) {
  Object object;
  object.version.etag = md5_hex(content);
  object.version.size = content.size();
  object.version.modified_ms = modified_ms;
  object.content = std::move(content);
  put_object(key, std::move(object));
}

void Bucket::put_object(const std::string& key, Object object) {
  std::lock_guard lock(mutex_);
  history_[key].insert(object.content);
  objects_[key] = std::move(object);
}

void Bucket::remove(const std::string& key) {
  std::lock_guard lock(mutex_);
  objects_.erase(key);
}

void Bucket::remove_bucket() {
  std::lock_guard lock(mutex_);
  objects_.clear();
  exists_ = false;
}

bool Bucket::exists() const {
  std::lock_guard lock(mutex_);
  return exists_;
}

void Bucket::set_faults(FaultScript script) {
  std::lock_guard lock(mutex_);
  script_ = std::move(script);
}

void Bucket::set_page_keys(unsigned keys) {
  std::lock_guard lock(mutex_);
  page_keys_ = keys;
}

void Bucket::shuffle_listing(bool shuffled) {
  std::lock_guard lock(mutex_);
  shuffled_ = shuffled;
}

void Bucket::after_get(std::function<void(const std::string&)> hook) {
  std::lock_guard lock(mutex_);
  after_get_ = std::move(hook);
}

std::map<std::string, Bucket::Object> Bucket::objects() const {
  std::lock_guard lock(mutex_);
  return objects_;
}

bool Bucket::was_ever(const std::string& key, const std::string& content) const {
  std::lock_guard lock(mutex_);
  const auto found = history_.find(key);
  return found != history_.end() && found->second.contains(content);
}

std::uint64_t Bucket::count(Operation operation) const {
  std::lock_guard lock(mutex_);
  const auto found = counts_.find(operation);
  return found == counts_.end() ? 0 : found->second;
}

void Bucket::reset_counts() {
  std::lock_guard lock(mutex_);
  counts_.clear();
}

Bucket::Fault Bucket::begin(Operation operation, std::string_view key) {
  FaultScript script;
  {
    std::lock_guard lock(mutex_);
    ++counts_[operation];
    script = script_;
  }
  return script ? script(operation, key) : Fault{};
}

/// Answers after a short random pause, so that the order of answers differs from that of requests.
class BucketStore final : public store::ObjectStore {
 public:
  BucketStore(Bucket& bucket, async::Runtime& runtime) : bucket_(bucket), runtime_(runtime) {}

  async::Task<Result<ListPage>> list(store::ListRequest request) override {
    co_await pause();
    const auto fault = bucket_.begin(Bucket::Operation::list, request.prefix);
    if (fault.error) co_return *fault.error;
    if (fault.each_piece.count() > 0) co_await runtime_.sleep_for(fault.each_piece);
    if (!bucket_.exists()) co_return no_such_bucket();
    co_return page_of(request);
  }

  async::Task<Result<store::ObjectHead>> head(store::HeadRequest request) override {
    co_await pause();
    const auto fault = bucket_.begin(Bucket::Operation::head, request.key);
    if (fault.error) co_return *fault.error;
    // The answer to a HEAD has no body that could tell the bucket from the key.
    const auto object = find(request.key);
    if (!object) co_return refusal(ErrorKind::missing_key, "", 404);
    store::ObjectHead head = head_of(*object, request.want_checksum);
    if (request.part > std::max<std::size_t>(object->parts.size(), 1))
      co_return refusal(ErrorKind::invalid_answer, "", 416);
    if (request.part != 0 && !object->parts.empty())
      head.part = store::UploadedPart{object->parts[request.part - 1],
                                      static_cast<std::uint32_t>(object->parts.size())};
    co_return head;
  }

  async::Task<Result<store::ObjectHead>> get(store::GetRequest request,
                                             store::BodySink& sink) override {
    co_await pause();
    const auto fault = bucket_.begin(Bucket::Operation::get, request.key);
    if (fault.error && !fault.cut_after) co_return *fault.error;
    const auto object = find(request.key);
    const auto refused = refuse(request, object);
    if (refused) co_return *refused;
    const auto head = head_of(*object, !request.range && request.want_checksum);
    const auto begun = sink.begin(head);
    if (!begun) co_return begun.error();

    std::string body = object->content;
    if (request.range) body = body.substr(request.range->offset(), request.range->length());
    if (fault.corrupt && !body.empty()) body[0] = static_cast<char>(body[0] ^ 1);
    const std::uint64_t end = std::min<std::uint64_t>(body.size(), fault.cut_after.value_or(~0ull));
    for (std::uint64_t at = 0; at < end; at += kPieceBytes) {
      co_await pause();
      if (fault.each_piece.count() > 0) co_await runtime_.sleep_for(fault.each_piece);
      const auto piece = std::string_view(body).substr(at, std::min(kPieceBytes, end - at));
      const auto written = sink.write(std::as_bytes(std::span(piece.data(), piece.size())));
      if (!written) co_return written.error();
    }
    if (fault.error) co_return *fault.error;
    if (const auto hook = after_get()) hook(request.key);
    co_return head;
  }

  async::Task<Result<bool>> is_gone(std::string key) override {
    co_await pause();
    const auto fault = bucket_.begin(Bucket::Operation::is_gone, key);
    if (fault.error) co_return *fault.error;
    if (!bucket_.exists()) co_return no_such_bucket();
    co_return !find(key).has_value();
  }

 private:
  static constexpr std::uint64_t kPieceBytes = 4096;

  async::Task<void> pause() {
    co_await runtime_.sleep_for(std::chrono::microseconds(runtime_.random() % 300));
  }

  static Error refusal(ErrorKind kind, std::string code, int http_status) {
    Error error(kind, "the fake bucket says " + (code.empty() ? "no" : code));
    error.code = std::move(code);
    error.http_status = http_status;
    return error;
  }
  static Error no_such_bucket() { return refusal(ErrorKind::missing_bucket, "NoSuchBucket", 404); }

  /// Why a GET of `object` is answered with an error, or the answer refused; nullopt if it is not.
  std::optional<Error> refuse(const store::GetRequest& request,
                              const std::optional<Bucket::Object>& object) {
    if (!bucket_.exists()) return no_such_bucket();
    if (!object) return refusal(ErrorKind::missing_key, "NoSuchKey", 404);
    if (object->storage == StorageClass::archived)
      return refusal(ErrorKind::archived, "InvalidObjectState", 403);
    if (!is_wanted(object->version, request.version))
      return refusal(ErrorKind::changed, "PreconditionFailed", 412);
    const std::uint64_t size = object->version.size;
    if (!request.range || request.range->last() < size) return std::nullopt;
    if (request.range->offset() >= size) return refusal(ErrorKind::changed, "InvalidRange", 416);
    return Error(ErrorKind::invalid_answer, "other bytes were sent than asked for");
  }

  /// HTTP dates have whole seconds.
  static std::int64_t whole_second(std::int64_t ms) { return ms / 1000 * 1000; }

  static bool is_wanted(const Version& version, const Version& wanted) {
    if (version.size != wanted.size) return false;
    if (!wanted.etag.empty()) return version.etag == wanted.etag;
    return whole_second(version.modified_ms) == whole_second(wanted.modified_ms);
  }

  std::optional<Bucket::Object> find(const std::string& key) {
    std::lock_guard lock(bucket_.mutex_);
    const auto found = bucket_.objects_.find(key);
    if (found == bucket_.objects_.end()) return std::nullopt;
    return found->second;
  }

  std::function<void(const std::string&)> after_get() {
    std::lock_guard lock(bucket_.mutex_);
    return bucket_.after_get_;
  }

  static store::ObjectHead head_of(const Bucket::Object& object, bool with_checksums) {
    store::ObjectHead head;
    head.version = object.version;
    head.version.modified_ms = whole_second(object.version.modified_ms);
    head.opaque_etag = object.opaque_etag;
    if (with_checksums) head.checksums = object.checksums;
    return head;
  }

  /// The token says from which key on the next page is, so that keys may come and go between.
  ListPage page_of(const store::ListRequest& request) {
    std::lock_guard lock(bucket_.mutex_);
    std::string from = request.token;
    if (from.empty() && !request.start_after.empty()) from = request.start_after + '\0';
    from = std::max(from, request.prefix);
    const std::size_t limit = std::min(bucket_.page_keys_, request.max_keys);
    std::vector<std::pair<std::string, Bucket::Object>> chosen;
    std::vector<std::string> groups;
    ListPage page;
    auto it = bucket_.objects_.lower_bound(from);
    while (it != bucket_.objects_.end() && it->first.starts_with(request.prefix)) {
      if (chosen.size() + groups.size() == limit) {
        page.truncated = true;
        page.next_token = it->first;
        break;
      }
      if (auto group = group_of(it->first, request)) {
        while (it != bucket_.objects_.end() && it->first.starts_with(*group))
          ++it;
        groups.push_back(*std::move(group));
      } else {
        chosen.emplace_back(it->first, it->second);
        ++it;
      }
    }
    if (bucket_.shuffled_) std::reverse(chosen.begin(), chosen.end());
    fill(page, chosen, groups);
    return page;
  }

  /// What a delimiter makes of a key: one common prefix for all that go on alike.
  static std::optional<std::string> group_of(const std::string& key,
                                             const store::ListRequest& request) {
    if (request.delimiter.empty()) return std::nullopt;
    const std::size_t at = key.find(request.delimiter, request.prefix.size());
    if (at == std::string::npos) return std::nullopt;
    return key.substr(0, at + request.delimiter.size());
  }

  static void fill(ListPage& page,
                   const std::vector<std::pair<std::string, Bucket::Object>>& chosen,
                   const std::vector<std::string>& groups) {
    std::size_t bytes = 0;
    for (const std::string& group : groups)
      bytes += group.size();
    for (const auto& [key, object] : chosen)
      bytes += key.size() + object.version.etag.size();
    page.buffer.reserve(bytes);
    const auto keep = [&page](const std::string& text) {
      const std::size_t at = page.buffer.size();
      page.buffer.insert(page.buffer.end(), text.begin(), text.end());
      return std::string_view(page.buffer.data() + at, text.size());
    };
    for (const auto& [key, object] : chosen) {
      ListedObject listed;
      listed.key = keep(key);
      listed.etag = keep(object.version.etag);
      listed.size = object.version.size;
      listed.modified_ms = object.version.modified_ms;
      listed.storage = object.storage;
      listed.has_checksum = !object.checksums.empty();
      listed.full_object_checksum = listed.has_checksum && object.checksums.front().full_object;
      page.objects.push_back(listed);
    }
    for (const std::string& group : groups)
      page.common_prefixes.push_back(keep(group));
  }

  Bucket& bucket_;
  async::Runtime& runtime_;
};

std::unique_ptr<store::ObjectStore> Bucket::make_store(async::Runtime& runtime) {
  return std::make_unique<BucketStore>(*this, runtime);
}

}  // namespace sluice::fake

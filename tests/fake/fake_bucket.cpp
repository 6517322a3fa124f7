#include "fake_bucket.hpp"

#include "base/text.hpp"
#include "crypto/digest.hpp"

#include <algorithm>
#include <utility>

namespace sluice::fake {

std::string md5_hex(std::string_view content) {
  const std::string digest = crypto::digest(crypto::Algorithm::md5, crypto::bytes_of(content));
  return text::hex(crypto::bytes_of(digest));
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
    co_return page_of(request);
  }

  async::Task<Result<store::ObjectHead>> head(store::HeadRequest request) override {
    co_await pause();
    const auto fault = bucket_.begin(Bucket::Operation::head, request.key);
    if (fault.error) co_return *fault.error;
    const auto object = find(request.key);
    if (!object) co_return no_such_key();
    co_return head_of(*object, true);
  }

  async::Task<Result<store::ObjectHead>> get(store::GetRequest request,
                                             store::BodySink& sink) override {
    co_await pause();
    const auto fault = bucket_.begin(Bucket::Operation::get, request.key);
    if (fault.error && !fault.cut_after) co_return *fault.error;
    const auto object = find(request.key);
    if (!object) co_return no_such_key();
    if (!object->version.same_content(request.version))
      co_return Error(ErrorKind::changed, "the object has changed");
    const auto head = head_of(*object, !request.range && request.want_checksum);
    const auto begun = sink.begin(head);
    if (!begun) co_return begun.error();

    std::string body = object->content;
    if (request.range) body = body.substr(request.range->offset(), request.range->length());
    if (fault.corrupt && !body.empty()) body[0] = static_cast<char>(body[0] ^ 1);
    const std::uint64_t end = std::min<std::uint64_t>(body.size(), fault.cut_after.value_or(~0ull));
    for (std::uint64_t at = 0; at < end; at += kPieceBytes) {
      co_await pause();
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
    co_return !find(key).has_value();
  }

 private:
  static constexpr std::uint64_t kPieceBytes = 4096;

  async::Task<void> pause() {
    co_await runtime_.sleep_for(std::chrono::microseconds(runtime_.random() % 300));
  }

  static Error no_such_key() { return Error(ErrorKind::missing_key, "no such key"); }

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
    head.opaque_etag = object.opaque_etag;
    if (with_checksums) head.checksums = object.checksums;
    return head;
  }

  /// The token is the last key of the page before, so that keys may come and go between pages.
  ListPage page_of(const store::ListRequest& request) {
    std::lock_guard lock(bucket_.mutex_);
    const std::string& after = request.token.empty() ? request.start_after : request.token;
    std::vector<std::pair<std::string, Bucket::Object>> chosen;
    ListPage page;
    for (auto it = bucket_.objects_.upper_bound(after); it != bucket_.objects_.end(); ++it) {
      if (!it->first.starts_with(request.prefix)) continue;
      if (chosen.size() == bucket_.page_keys_) {
        page.truncated = true;
        page.next_token = chosen.back().first;
        break;
      }
      chosen.emplace_back(it->first, it->second);
    }
    if (bucket_.shuffled_) std::reverse(chosen.begin(), chosen.end());
    fill(page, chosen);
    return page;
  }

  static void fill(ListPage& page,
                   const std::vector<std::pair<std::string, Bucket::Object>>& chosen) {
    std::size_t bytes = 0;
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
      page.objects.push_back(listed);
    }
  }

  Bucket& bucket_;
  async::Runtime& runtime_;
};

std::unique_ptr<store::ObjectStore> Bucket::make_store(async::Runtime& runtime) {
  return std::make_unique<BucketStore>(*this, runtime);
}

}  // namespace sluice::fake

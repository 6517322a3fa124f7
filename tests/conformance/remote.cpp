#include "remote.hpp"

#include "aws/credentials.hpp"
#include "crypto/digest.hpp"
#include "fake_bucket.hpp"
#include "origin/certificate.hpp"
#include "origin/memory_bucket.hpp"
#include "origin/server.hpp"
#include "s3/client.hpp"
#include "temporary_directory.hpp"

#include <utility>

namespace sluice::conformance {

namespace {

constexpr const char* kBucket = "photos";
constexpr const char* kAccessKey = "AKIDEXAMPLE";
constexpr const char* kSecretKey = "secret";

class FakeRemote final : public Remote {
 public:
  explicit FakeRemote(Kind kind) : kind_(kind) {}

  void put(const std::string& key, Put put) override {
    if (put.part_bytes != 0) return put_in_parts(key, std::move(put));
    fake::Bucket::Object object;
    object.version.size = put.content.size();
    object.version.modified_ms = put.modified_ms;
    if (!put.is_weak) object.version.etag = fake::md5_hex(put.content);
    object.opaque_etag = put.is_encrypted;
    if (put.is_archived) object.storage = StorageClass::archived;
    if (put.has_crc32c) {
      store::Checksum checksum;
      checksum.digest.kind = DigestKind::crc32c;
      checksum.digest.bytes =
          crypto::digest(crypto::Algorithm::crc32c, crypto::bytes_of(put.content));
      object.checksums.push_back(std::move(checksum));
    }
    object.content = std::move(put.content);
    bucket_.put_object(key, std::move(object));
  }
  void remove(const std::string& key) override { bucket_.remove(key); }
  void remove_bucket() override { bucket_.remove_bucket(); }
  void set_page_keys(unsigned keys) override { bucket_.set_page_keys(keys); }

  std::unique_ptr<async::Runtime> make_runtime() override {
    if (kind_ == Kind::fake_threaded) return async::make_threaded_runtime({});
    return async::make_deterministic_runtime({.seed = ++seed_});
  }
  std::unique_ptr<store::ObjectStore> make_store(async::Runtime& runtime) override {
    return bucket_.make_store(runtime);
  }

 private:
  void put_in_parts(const std::string& key, Put put) {
    std::vector<std::uint64_t> parts;
    for (std::uint64_t at = 0; at < put.content.size(); at += parts.back())
      parts.push_back(std::min<std::uint64_t>(put.part_bytes, put.content.size() - at));
    bucket_.put_in_parts(key, std::move(put.content), std::move(parts), put.modified_ms);
  }

  const Kind kind_;
  std::uint64_t seed_ = 0;
  fake::Bucket bucket_;
};

class OneCredential final : public aws::CredentialsProvider {
 public:
  std::string name() const override { return "the test"; }
  async::Task<Result<std::optional<aws::Credentials>>> get(async::Runtime&) override {
    std::optional<aws::Credentials> credentials(std::in_place);
    credentials->access_key = kAccessKey;
    credentials->secret_key = kSecretKey;
    co_return credentials;
  }
};

class HttpRemote final : public Remote {
 public:
  explicit HttpRemote(Kind kind) : tls_(kind == Kind::https), lists_(lists_of(kind)) {}

  void put(const std::string& key, Put put) override {
    origin::ObjectOptions options;
    if (put.is_weak) options.etag = "W/\"" + fake::md5_hex(put.content) + '"';
    if (put.is_encrypted) options.headers.push_back({"x-amz-server-side-encryption", "aws:kms"});
    if (put.is_archived) options.storage_class = "GLACIER";
    options.part_bytes = put.part_bytes;
    if (put.has_crc32c) options.checksum = origin::ChecksumAlgorithm::crc32c;
    bucket_->put(key, std::move(put.content), put.modified_ms, std::move(options));
  }
  void remove(const std::string& key) override { bucket_->remove(key); }
  void remove_bucket() override { bucket_name_ = "other"; }
  void set_page_keys(unsigned keys) override { page_keys_ = keys; }

  std::unique_ptr<async::Runtime> make_runtime() override {
    return async::make_threaded_runtime({});
  }
  std::unique_ptr<store::ObjectStore> make_store(async::Runtime& runtime) override {
    if (!server_) serve();
    s3::SessionOptions options;
    options.bucket = kBucket;
    options.endpoint_url = server_->url();
    if (tls_) options.http.tls.ca_bundle = directory_ / "ca.pem";
    auto session = s3::Session::make(options, std::make_shared<OneCredential>()).value();
    return s3::make_client(runtime, runtime.executor(async::Role::control), std::move(session))
        .value();
  }

 private:
  static origin::Lists lists_of(Kind kind) {
    if (kind == Kind::http_v1) return origin::Lists::version_1;
    if (kind == Kind::http_v1_whatever) return origin::Lists::version_1_whatever;
    return origin::Lists::version_2;
  }

  /// At the first use, when the test has said what it wants.
  void serve() {
    origin::ServerOptions options;
    options.credentials = {{kAccessKey, kSecretKey}};
    options.page_size = page_keys_;
    options.lists = lists_;
    if (tls_) {
      static const origin::TestCertificate certificate = origin::make_test_certificate();
      options.tls = certificate.tls();
      fake::write_file(directory_ / "ca.pem", certificate.ca_pem);
    }
    server_ = std::make_unique<origin::Server>(std::move(options));
    server_->add_bucket(bucket_name_, bucket_);
    server_->start();
  }

  const bool tls_;
  const origin::Lists lists_;
  const fake::TemporaryDirectory directory_;
  std::string bucket_name_ = kBucket;
  std::size_t page_keys_ = 1000;
  std::shared_ptr<origin::MemoryBucket> bucket_ = std::make_shared<origin::MemoryBucket>();
  std::unique_ptr<origin::Server> server_;
};

}  // namespace

std::unique_ptr<Remote> make_remote(Kind kind) {
  const bool is_fake = kind == Kind::fake || kind == Kind::fake_threaded;
  if (is_fake) return std::make_unique<FakeRemote>(kind);
  return std::make_unique<HttpRemote>(kind);
}

}  // namespace sluice::conformance

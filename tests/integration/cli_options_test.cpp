// Options of S3, as people set them: the program against a server that insists on them.
#include "cli_fixture.hpp"
#include "origin/certificate.hpp"

#include <filesystem>
#include <sys/stat.h>

namespace sluice::testing {
namespace {

constexpr std::int64_t kTime = 1'700'000'000'000;

class CliOptions : public Cli {
 protected:
  void put_encrypted(const std::string& key, std::string bytes) {
    origin::ObjectOptions options;
    options.sse_c_key = kKey;
    bucket_->put(key, std::move(bytes), kTime, options);
  }

  void expect_no_key(const std::string& text) {
    EXPECT_FALSE(has(text, kKey)) << text;
    EXPECT_FALSE(has(text, kBase64)) << text;
  }

  const std::string kKey = "01234567890123456789012345678901";
  const std::string kBase64 = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
};

TEST_F(CliOptions, ObjectsUnderACustomersKeyAreMirrored) {
  put_encrypted("small", "hello");
  put_encrypted("empty", "");
  put_encrypted("large", std::string(300'000, 'l'));
  const std::string path = home_ / "key";
  write_file(path, kKey);
  const Words flags = {"--sse-c-key-file", path,    "--part-size", "64KiB",
                       "--log-level",      "debug", "-v",          "--log-file",
                       home_ / "log"};
  const Ran ran = sync(flags);
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_EQ(tree_of(dir()),
            (std::map<std::string, std::string>{
                {"small", "hello"}, {"empty", ""}, {"large", std::string(300'000, 'l')}}));
  EXPECT_TRUE(has(ran.out, "by length only")) << "an ETag was taken for an MD5: " << ran.out;
  for (const auto& request : server_->requests()) {
    bool sent = false;
    for (const auto& header : request.headers) {
      sent = sent || header.name == "x-amz-server-side-encryption-customer-key";
      expect_no_key(header.value);
    }
    EXPECT_EQ(sent, request.operation != Operation::list) << request.target;
  }
  expect_no_key(ran.out + ran.err);
  expect_no_key(read_file(home_ / "log"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir() + "/.sluice"))
    if (entry.is_regular_file()) expect_no_key(read_file(entry.path()));

  server_->clear_requests();
  environment_["SLUICE_SSE_C_KEY"] = kBase64;
  EXPECT_EQ(sync().status, 0);
  EXPECT_EQ(server_->counts().total, requests(Operation::list)) << "nothing has changed";
}

TEST_F(CliOptions, AKeyThatOthersCanReadIsWarnedOf) {
  const origin::TestCertificate certificate = origin::make_test_certificate();
  const std::string key = home_ / "key", client = home_ / "client.pem";
  write_file(key, kKey);
  write_file(client, certificate.tls().certificate_pem + certificate.tls().key_pem);
  const Words flags = {"--sse-c-key-file", key, "--client-cert", client};
  const auto warned_of = [](const Ran& ran, const std::string& path) {
    return has(ran.err, "sluice: warning: " + path + " holds a secret and can be read by other");
  };
  for (const std::string& open : {key, client}) {
    for (const std::string& path : {key, client})
      ASSERT_EQ(::chmod(path.c_str(), path == open ? 0640 : 0600), 0);
    const Ran ran = sync(flags);
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(warned_of(ran, key), open == key) << ran.err;
    EXPECT_EQ(warned_of(ran, client), open == client) << ran.err;
  }
}

TEST_F(CliOptions, TheKeyMayStandInTheEnvironment) {
  put_encrypted("small", "hello");
  environment_["SLUICE_SSE_C_KEY"] = kBase64;
  EXPECT_EQ(sync().status, 0);
  EXPECT_EQ(read_file(dir() + "/small"), "hello");
  environment_["SLUICE_SSE_C_KEY"] = "bm8ga2V5";
  expect(sync(), 2, "SLUICE_SSE_C_KEY holds no SSE-C key");
}

TEST_F(CliOptions, AMissingOrWrongCustomersKeyIsExplained) {
  put_encrypted("small", "hello");
  const Ran missing = sync();
  expect(missing, 1, "give that key with --sse-c-key-file");
  environment_["SLUICE_SSE_C_KEY"] = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";
  const Ran wrong = sync();
  expect(wrong, 1, "encrypted with another key than that of --sse-c-key-file");
  EXPECT_FALSE(has(wrong.err, environment_["SLUICE_SSE_C_KEY"]));
  EXPECT_FALSE(std::filesystem::exists(dir() + "/small"));
}

TEST_F(CliOptions, ChecksumsProveWhatIsUnderACustomersKey) {
  origin::ObjectOptions options;
  options.sse_c_key = kKey;
  options.checksum = origin::ChecksumAlgorithm::crc64nvme;
  bucket_->put("small", "hello", kTime, options);
  environment_["SLUICE_SSE_C_KEY"] = kBase64;
  EXPECT_EQ(sync({"--verify", "strict"}).status, 0);
  EXPECT_EQ(read_file(dir() + "/small"), "hello");
}

TEST_F(CliOptions, ABucketOfAnotherAccountIsRefused) {
  ServerOptions options = with_credentials();
  options.owner = "111122223333";
  serve(std::move(options));
  bucket_->put("a", "hello", kTime);
  expect(sync({"--expected-bucket-owner", "999988887777"}), 4,
         "does not belong to the account 999988887777");
  EXPECT_FALSE(std::filesystem::exists(dir() + "/a"));
  EXPECT_EQ(sync({"--expected-bucket-owner", "111122223333"}).status, 0);
  EXPECT_EQ(read_file(dir() + "/a"), "hello");
  expect(sync({"--expected-bucket-owner", "1111-2222-3333"}), 2, "12 digits");
}

TEST_F(CliOptions, AServerMayAskForACertificate) {
  const origin::TestCertificate certificate = origin::make_test_certificate();
  ServerOptions options = with_credentials();
  options.tls = certificate.tls();
  options.tls->client_ca_pem = certificate.ca_pem;
  serve(std::move(options));
  bucket_->put("a", "hello", kTime);
  const std::string ca = home_ / "ca.pem";
  const std::string client = home_ / "client.pem";
  write_file(ca, certificate.ca_pem);
  write_file(client, certificate.tls().certificate_pem + certificate.tls().key_pem);
  expect(sync({"--ca-bundle", ca, "--max-attempts", "1"}), 5, "wants a client certificate");
  EXPECT_EQ(sync({"--ca-bundle", ca, "--client-cert", client}).status, 0);
  EXPECT_EQ(read_file(dir() + "/a"), "hello");
  expect(sync({"--ca-bundle", ca, "--client-cert", ca}), 2, "--client-key");
}

TEST_F(CliOptions, ARequesterPaysBucketIsReadAndAnonymousRequestsAreUnsigned) {
  ServerOptions options = with_credentials();
  options.allow_anonymous = true;
  serve(std::move(options));
  bucket_->put("a", "hello", kTime);
  EXPECT_EQ(sync({"--request-payer"}).status, 0);
  for (const auto& request : server_->requests()) {
    EXPECT_TRUE(request.authorization) << request.target;
    const std::string* payer = origin::find_header(request.headers, "x-amz-request-payer");
    ASSERT_NE(payer, nullptr) << request.target;
    EXPECT_EQ(*payer, "requester");
  }
  bucket_->put("b", "hello", kTime);
  server_->clear_requests();
  EXPECT_EQ(sync({"--no-sign-request"}).status, 0);
  EXPECT_GT(server_->requests().size(), 1U);
  for (const auto& request : server_->requests())
    EXPECT_FALSE(request.authorization) << request.target;
}

}  // namespace
}  // namespace sluice::testing

#include "cli_fixture.hpp"
#include "origin/certificate.hpp"

#include <filesystem>

namespace sluice::testing {
namespace {

TEST_F(Cli, SyncMakesTheMirrorAndThenOnlyLists) {
  bucket_->put("a.txt", "hello");
  bucket_->put("empty", "");
  bucket_->put("folder/b.bin", std::string(200'000, 'b'));
  const Ran first = sync({"--part-size", "64KiB"});
  EXPECT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(first.err, "");
  EXPECT_TRUE(has_line(first.out, R"(fetched a\.txt \(5 B, md5\))")) << first.out;
  EXPECT_TRUE(has_line(first.out, R"(fetched folder/b\.bin \(195 KiB, .*\))")) << first.out;
  EXPECT_TRUE(has_line(first.out, R"(up to date: 3 objects in the bucket, 195 KiB)")) << first.out;
  EXPECT_EQ(tree_of(dir()),
            (std::map<std::string, std::string>{
                {"a.txt", "hello"}, {"empty", ""}, {"folder/b.bin", std::string(200'000, 'b')}}));

  server_->clear_requests();
  const Ran second = sync();
  EXPECT_EQ(second.status, 0) << second.err;
  EXPECT_FALSE(has(second.out, "fetched")) << second.out;
  EXPECT_TRUE(has_line(second.out, "  3 unchanged")) << second.out;
  EXPECT_EQ(requests(Operation::get), 0U);
  EXPECT_EQ(requests(Operation::head), 0U);
  EXPECT_EQ(requests(Operation::list), server_->counts().total);
}

TEST_F(Cli, DeletesOnlyWhenAsked) {
  for (const char* key : {"a", "b", "c"})
    bucket_->put(key, key);
  ASSERT_EQ(sync().status, 0);
  bucket_->remove("b");
  const Ran kept = sync();
  EXPECT_EQ(kept.status, 0);
  EXPECT_TRUE(has(kept.out, "1 file here but gone from the bucket")) << kept.out;
  EXPECT_TRUE(tree_of(dir()).contains("b"));

  const Ran dry = sync({"--delete", "-n"});
  EXPECT_EQ(dry.status, 0) << dry.err;
  EXPECT_TRUE(has_line(dry.out, "would delete b")) << dry.out;
  EXPECT_TRUE(tree_of(dir()).contains("b"));

  const Ran deleted = sync({"--delete"});
  EXPECT_EQ(deleted.status, 0) << deleted.err;
  EXPECT_TRUE(has_line(deleted.out, "deleted b")) << deleted.out;
  EXPECT_FALSE(tree_of(dir()).contains("b"));
  EXPECT_EQ(tree_of(dir()).size(), 2U);
}

TEST_F(Cli, DryRunChangesNothing) {
  bucket_->put("a", "hello");
  const Ran ran = sync({"--dry-run", "-q"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(has_line(ran.out, R"(would fetch a \(5 B\))")) << ran.out;
  EXPECT_FALSE(std::filesystem::exists(dir()));
  EXPECT_EQ(requests(Operation::get), 0U);
}

TEST_F(Cli, TheLastFilterThatMatchesDecides) {
  for (const char* key : {"a.jpg", "b.txt", "x/c.jpg", "x/keep.txt"})
    bucket_->put(key, key);
  EXPECT_EQ(
      sync({"--exclude", "*", "--include", "*.jpg", "--exclude", "x/*", "--include", "x/keep*"})
          .status,
      0);
  EXPECT_EQ(tree_of(dir()),
            (std::map<std::string, std::string>{{"a.jpg", "a.jpg"}, {"x/keep.txt", "x/keep.txt"}}));
  const Ran again = sync({"--exclude", "*.txt"});
  EXPECT_TRUE(has_line(again.out, "  1 fetched .*, 1 unchanged, 2 excluded")) << again.out;
}

TEST_F(Cli, APrefixIsAFolder) {
  bucket_->put("2024/a", "in");
  bucket_->put("2024x", "out");
  EXPECT_EQ(run({"sync", "s3://photos/2024", dir()}).status, 0);
  EXPECT_EQ(tree_of(dir()), (std::map<std::string, std::string>{{"a", "in"}}));
}

TEST_F(Cli, KeysAreEscapedInOutputAndNotOnDisk) {
  const std::string key = "esc\x1b[2J\nline";
  bucket_->put(key, "x");
  const Ran ran = sync();
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(has(ran.out, "fetched esc\\x1b[2J\\x0aline (1 B")) << ran.out;
  EXPECT_FALSE(has(ran.out, "\x1b"));
  EXPECT_TRUE(tree_of(dir()).contains(key));
}

TEST_F(Cli, QuietSaysNothingUnlessItFails) {
  bucket_->put("a", "x");
  const Ran good = sync({"-q"});
  EXPECT_EQ(good.status, 0);
  EXPECT_EQ(good.out + good.err, "");
  bucket_->put("b/../c", "refused");
  const Ran bad = sync({"-q"});
  expect(bad, 1, "sluice: error: the mirror is incomplete: 1 refused");
  EXPECT_EQ(bad.out, "");
}

TEST_F(Cli, TheLogFileHasEverything) {
  bucket_->put("a", "x");
  const std::string log = work_ / "log";
  EXPECT_EQ(sync({"-q", "--log-file", log}).status, 0);
  EXPECT_TRUE(has(read_file(log), "Z info fetched a (1 B, md5)\n")) << read_file(log);
  expect(sync({"--log-file", work_ / "missing/log"}), 6, "cannot open the log file");
}

TEST_F(Cli, GoesOnWhenNobodyReadsTheOutput) {
  for (int n = 0; n < 300; ++n)
    bucket_->put("object-" + std::to_string(n), "x");
  ProgramOptions words = options({"sync", "s3://photos", dir()});
  words.close_out_after = 1;
  Program program(std::move(words));
  EXPECT_EQ(program.wait(60s), 0) << program.err();
  EXPECT_EQ(tree_of(dir()).size(), 300U);
}

TEST_F(Cli, OutputThatCannotBeWrittenIsAFailure) {
  bucket_->put("a", "x");
  for (const std::string flag : {"--json", "-v"}) {
    ProgramOptions words =
        options({"-c", binary() + " sync s3://photos " + dir() + " " + flag + " > /dev/full"});
    words.path = "/bin/sh";
    Program program(std::move(words));
    EXPECT_EQ(program.wait(), 6);
    EXPECT_TRUE(has(program.err(), "cannot write to standard output")) << program.err();
  }
  EXPECT_TRUE(tree_of(dir()).contains("a"));
}

TEST_F(Cli, TellsOnceOfWhatTheServerDoesNotSupport) {
  for (int n = 0; n < 20; ++n)
    bucket_->put("object-" + std::to_string(n), "x", 0,
                 {.etag = "\"opaque\"", .checksum = origin::ChecksumAlgorithm::crc32});
  origin::Rule refuses = rule(Operation::get, faults::status(501, "NotImplemented"));
  refuses.match.to = 1;
  server_->set_faults({refuses});
  const Ran ran = sync();
  EXPECT_EQ(ran.status, 0) << ran.err;
  const std::string told = "sluice: the server does not support";
  const std::size_t first = ran.err.find(told);
  ASSERT_NE(first, std::string::npos) << ran.err;
  const std::string line = ran.err.substr(first, ran.err.find('\n', first) - first);
  EXPECT_EQ(ran.err.find(line, first + 1), std::string::npos) << ran.err;
  EXPECT_TRUE(has(ran.out, "  verified: ")) << ran.out;
}

TEST_F(Cli, TheSummarySaysHowContentWasVerified) {
  bucket_->put("sum", "x", 0, {.checksum = origin::ChecksumAlgorithm::crc32});
  bucket_->put("md5", "x");
  bucket_->put("opaque", "x", 0, {.etag = "\"opaque\""});
  const Ran ran = sync();
  EXPECT_TRUE(has_line(ran.out, "  verified: 1 by checksum, 1 by MD5, 1 by length only .*"))
      << ran.out;
}

TEST_F(Cli, AProfileThatDoesNotExistIsAMistakeOfUsage) {
  expect(sync({"--profile", "nobody"}), 2, "there is no profile nobody");
}

TEST_F(Cli, BandwidthIsLimitedOverAllConnections) {
  for (int n = 0; n < 40; ++n)
    bucket_->put("small-" + std::to_string(n), std::string(5'000, 's'));
  bucket_->put("large", std::string(400'000, 'l'));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(sync({"--bwlimit", "600K/s", "--part-size", "64KiB"}).status, 0);
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GE(took, 800ms);
  EXPECT_LE(took, 5s);
  EXPECT_EQ(tree_of(dir()).size(), 41U);
}

TEST_F(Cli, RequestsAreLimitedOverAllConnections) {
  for (int n = 0; n < 30; ++n)
    bucket_->put("object-" + std::to_string(n), "x");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(sync({"--tpslimit", "40"}).status, 0);
  EXPECT_GE(std::chrono::steady_clock::now() - began, 650ms);  // 31 requests, less the credit
  EXPECT_EQ(tree_of(dir()).size(), 30U);
}

// --- configuration ---

TEST_F(Cli, ConfigFileAndEnvironmentSetFlags) {
  for (const char* key : {"a.jpg", "b.txt", "c.tmp"})
    bucket_->put(key, key);
  const std::string config = work_ / "site.toml";
  write_file(config, "# the site\nendpoint-url = \"" + server_->url() +
                         "\"\nexclude = [\"*.tmp\", \"b#*\"]\n[sync]\nquiet = true\n");
  environment_["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1";
  const Ran from_file = sync({"--config", config});
  EXPECT_EQ(from_file.status, 0) << from_file.err;
  EXPECT_EQ(from_file.out, "");
  EXPECT_EQ(tree_of(dir()).size(), 2U);

  environment_["SLUICE_CONFIG"] = config;
  environment_["SLUICE_QUIET"] = "false";
  environment_["SLUICE_DRY_RUN"] = "";
  const Ran from_both = sync({"--exclude", "nothing"});
  EXPECT_EQ(from_both.status, 0) << from_both.err;
  EXPECT_TRUE(has_line(from_both.out, R"(fetched c\.tmp \(5 B, md5\))")) << from_both.out;

  write_file(config, "trnasfers = 4\n");
  expect(sync(), 2, "site.toml:1: there is no flag named trnasfers; did you mean transfers?");
  environment_["SLUICE_CONFIG"] = "";
  environment_["SLUICE_TRANSFERS"] = "0";
  expect(sync(), 2, "SLUICE_TRANSFERS");
}

TEST_F(Cli, ProfilesAreRead) {
  bucket_->put("a", "x");
  environment_.erase("AWS_ACCESS_KEY_ID");
  environment_.erase("AWS_SECRET_ACCESS_KEY");
  std::filesystem::create_directory(home_ / ".aws");
  write_file(home_ / ".aws/credentials", std::string("[backup]\naws_access_key_id = ") +
                                             kAccessKey +
                                             "\naws_secret_access_key = " + kSecretKey + "\n");
  std::filesystem::permissions(home_ / ".aws/credentials", std::filesystem::perms(0600));
  const Ran ran = sync({"--profile", "backup"});
  EXPECT_EQ(ran.status, 0) << ran.err;
}

TEST_F(Cli, AProgramGivesTheCredentials) {
  bucket_->put("a", "x");
  environment_.erase("AWS_ACCESS_KEY_ID");
  environment_.erase("AWS_SECRET_ACCESS_KEY");
  std::filesystem::create_directory(home_ / ".aws");
  const std::string document = std::string(R"({"Version": 1, "AccessKeyId": ")") + kAccessKey +
                               R"(", "SecretAccessKey": ")" + kSecretKey + "\"}";
  write_file(home_ / "keys.json", document);
  write_file(home_ / ".aws/config",
             "[default]\ncredential_process = cat \"" + (home_ / "keys.json") + "\"\n");
  const Ran ran = sync({"-v", "--log-level", "debug"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_FALSE(has(ran.err, kSecretKey));
  write_file(home_ / "keys.json", document.substr(1));
  const Ran broken = sync({"-v", "--log-level", "debug"});
  expect(broken, 4, "credential_process of profile default: the program cat failed: its output");
  EXPECT_FALSE(has(broken.err, kSecretKey));
}

// --- TLS ---

class CliTls : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    if (IsSkipped()) return;
    certificate_ = origin::make_test_certificate();
    ServerOptions secure = with_credentials();
    secure.tls = certificate_.tls();
    serve(std::move(secure));
    bucket_->put("a", "secret");
    write_file(work_ / "ca.pem", certificate_.ca_pem);
  }
  origin::TestCertificate certificate_;
};

TEST_F(CliTls, TrustsTheBundleItIsGiven) {
  const Ran flag = sync({"--ca-bundle", work_ / "ca.pem"});
  EXPECT_EQ(flag.status, 0) << flag.err;
  EXPECT_EQ(tree_of(dir()).size(), 1U);
  environment_["AWS_CA_BUNDLE"] = work_ / "ca.pem";
  EXPECT_EQ(sync().status, 0);
}

TEST_F(CliTls, TrustsNobodyElse) {
  expect(sync({"--max-attempts", "1"}), 5, "certificate");
  EXPECT_EQ(requests(Operation::list), 0U);
}

TEST_F(CliTls, UncheckedCertificatesAreLoud) {
  const Ran ran = sync({"--no-verify-ssl"});
  expect(ran, 0, "sluice: warning: ");
  EXPECT_TRUE(has(ran.err, "--no-verify-ssl")) << ran.err;
}

// --- ls ---

TEST_F(Cli, ListsLikeAws) {
  bucket_->put("a b.txt", "hello", 1'704'164'645'678);
  bucket_->put("dir/esc\x1b", std::string(12345, 'x'), 1'704'164'645'000);
  bucket_->put("skipped", "x");
  const Ran ran = run({"ls", "s3://photos", "--exclude", "skip*", "--summarize"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(ran.out,
            "2024-01-02 03:04:05          5 a b.txt\n"
            "2024-01-02 03:04:05      12345 dir/esc\\x1b\n"
            "\n"
            "Total Objects: 2\n"
            "   Total Size: 12350\n");
  EXPECT_EQ(run({"ls", "--human-readable", "s3://photos/dir"}).out,
            "2024-01-02 03:04:05   12.1 KiB dir/esc\\x1b\n");
}

TEST_F(Cli, ListEndsQuietlyWhenItsReaderDoes) {
  for (int n = 0; n < 5000; ++n)
    bucket_->put("object-" + std::to_string(n), "");
  ProgramOptions words = options({"ls", "s3://photos"});
  words.close_out_after = 1;
  Program program(std::move(words));
  EXPECT_EQ(program.wait(), 0);
  EXPECT_EQ(program.err(), "");
  EXPECT_LT(program.out().size(), 200'000U);
}

// --- a terminal ---

TEST_F(Cli, OnATerminalAProgressLineStandsForTheObjects) {
  bucket_->put("a", "small");
  bucket_->put_generated("big", 4 << 20, 7);
  server_->set_faults({rule(Operation::get, faults::rate(4 << 20), "big")});
  environment_["TERM"] = "xterm";
  ProgramOptions words = options({"sync", "s3://photos", dir()});
  words.on_terminal = true;
  Program program(std::move(words));
  EXPECT_EQ(program.wait(), 0) << program.out();
  EXPECT_TRUE(std::regex_search(program.out(),
                                std::regex("\r\x1b\\[K  \\d of 2 objects  \\d\\.\\d of 4\\.0 MiB")))
      << program.out();
  EXPECT_FALSE(has(program.out(), "fetched a")) << program.out();
  EXPECT_TRUE(has(program.out(), "\r\x1b[Kup to date: 2 objects")) << program.out();

  bucket_->put("a", "other");
  environment_["TERM"] = "dumb";
  words = options({"sync", "s3://photos", dir()});
  words.on_terminal = true;
  Program dumb(std::move(words));
  EXPECT_EQ(dumb.wait(), 0) << dumb.out();
  EXPECT_TRUE(has(dumb.out(), "fetched a (5 B, md5)")) << dumb.out();
  EXPECT_FALSE(has(dumb.out(), "\x1b")) << dumb.out();
}

// --- help ---

TEST_F(Cli, HelpAndVersionGoToStandardOutput) {
  const Ran help = run({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_TRUE(has(help.out, "sluice watch"));
  const Ran version = run({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_TRUE(has(version.out, "sluice")) << version.out;
  const Ran nothing = run({});
  expect(nothing, 2, "sluice --help");
  EXPECT_EQ(nothing.out, "");
}

}  // namespace
}  // namespace sluice::testing

#include "trust_fixture.hpp"

#include "origin/listing.hpp"

#include <thread>

namespace sluice::testing {

void Trust::SetUp() {
  Cli::SetUp();
  if (IsSkipped()) return;
  ServerOptions options = with_credentials();
  options.credentials[0].session_token = kSessionToken;
  options.page_size = 3;
  environment_["AWS_SESSION_TOKEN"] = kSessionToken;
  serve(std::move(options));
  ServerOptions trap;
  trap.allow_anonymous = true;
  trap_ = std::make_unique<Server>(std::move(trap));
  trap_->start();

  for (std::size_t i = 0; i < kMirrored; ++i) {
    const std::string name = "dir/k" + std::to_string(i);
    bucket_->put(name, "content of " + name, kTime);
  }
  fs::create_directory(outside());
  write_file(outside() + "/canary", "precious");
  const Ran first = sync_deleting();
  ASSERT_EQ(first.status, 0) << first.err;
  write_file(file("mine"), "not from the bucket");
  ASSERT_EQ(local().size(), kAllLeft);
}

void Trust::TearDown() {
  if (!IsSkipped()) expect_nothing_broken();
  Cli::TearDown();
}

Words Trust::sync_words(const Words& flags) const {
  Words words = {"sync",  "s3://photos",  dir(),  "--delete",       "--part-size",
                 "64KiB", "--durability", "none", "--max-attempts", "2"};
  words.insert(words.end(), flags.begin(), flags.end());
  return words;
}

Ran Trust::sync_deleting(const Words& flags) {
  return run(sync_words(flags));
}

void Trust::expect_nothing_broken() const {
  for (const auto& [path, content] : local()) {
    if (path == "mine")
      EXPECT_EQ(content, "not from the bucket");
    else
      EXPECT_TRUE(bucket_->was_ever(path, content)) << path << " is no version of the object";
  }
  EXPECT_TRUE(local().contains("mine"));
  EXPECT_EQ(tree_of(outside()), (Tree{{"canary", "precious"}}));
  for (const auto& entry : fs::directory_iterator(work_.path()))
    EXPECT_TRUE(entry.path() == dir() || entry.path() == outside()) << entry.path();
  for (const auto& request : trap_->requests())
    ADD_FAILURE() << "the trap was asked: " << request.method << ' ' << request.target
                  << (request.authorization ? " with a signature" : "");
  EXPECT_EQ(server_->counts().refused_signatures(), 0U);
}

void Trust::expect_staging_empty() const {
  for (const auto& entry : fs::recursive_directory_iterator(dir() + "/.sluice/staging"))
    EXPECT_TRUE(entry.is_directory()) << entry.path() << " was left behind";
}

void Trust::expect_recovery(const Words& flags) {
  server_->clear_faults();
  const Ran cleaned = sync_deleting(flags);
  EXPECT_EQ(cleaned.status, 0) << cleaned.out << cleaned.err;
  Tree wanted{{"mine", "not from the bucket"}};
  for (const std::string& key : bucket_->keys())
    wanted[key] = origin::read_all(*bucket_->find(key)->content);
  EXPECT_EQ(local(), wanted);
  expect_staging_empty();

  server_->clear_requests();
  const Ran quiet = sync_deleting(flags);
  EXPECT_EQ(quiet.status, 0) << quiet.out << quiet.err;
  EXPECT_EQ(requests(Operation::list), server_->counts().total) << "a pass without changes";
  EXPECT_GT(requests(Operation::list), 0U);
}

bool Trust::wait_for_requests(Operation operation, std::uint64_t count) const {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (requests(operation) >= count) return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

origin::Action page_of(MemoryBucket& bucket, const std::vector<std::string>& keys,
                       const std::string& next_token) {
  origin::ListPage page;
  page.bucket = "photos";
  page.is_truncated = !next_token.empty();
  if (!next_token.empty()) page.next_token = next_token;
  page.key_count = keys.size();
  for (const std::string& key : keys)
    page.objects.push_back(bucket.find(key)->info);
  return faults::body(origin::to_xml(page));
}

}  // namespace sluice::testing

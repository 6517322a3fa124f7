#include "cli_fixture.hpp"

namespace sluice::testing {
namespace {

TEST_F(Cli, Status1WhenAnObjectIsMissing) {
  bucket_->put("good", "x");
  bucket_->put("denied", "x");
  server_->set_faults({rule(Operation::get, faults::status(403, "AccessDenied"), "denied")});
  const Ran denied = sync();
  expect(denied, 1, "denied");
  EXPECT_TRUE(has_line(denied.out, "  1 failed")) << denied.out;
  EXPECT_TRUE(tree_of(dir()).contains("good"));

  server_->clear_faults();
  bucket_->put("a/../b", "x");
  expect(sync(), 1, "sluice: warning: refused");
}

TEST_F(Cli, Status2ForWrongUsage) {
  expect(run({"sync", "s3://photos", dir(), "--delte"}), 2, "did you mean --delete?");
  expect(run({"sync", "s3://No_Such.Bucket!", dir()}), 2, "No_Such.Bucket!");
  expect(run({"sync", "s3://photos"}), 2, "the directory is missing");
  expect(run({"sync", "s3://photos", dir(), "--endpoint-url", "ftp://x"}), 2, "ftp");
}

TEST_F(Cli, Status2ForTheMirrorOfAnotherSource) {
  bucket_->put("a", "x");
  server_->add_bucket("others", bucket_);
  ASSERT_EQ(sync().status, 0);
  expect(run({"sync", "s3://others", dir()}), 2, "--adopt");
  EXPECT_EQ(run({"sync", "s3://others", dir(), "--adopt"}).status, 0);
}

TEST_F(Cli, Status3ForAMissingBucket) {
  expect(run({"sync", "s3://nowhere", dir()}), 3, "nowhere");
  expect(run({"ls", "s3://nowhere"}), 3, "nowhere");
}

TEST_F(Cli, Status4ForBadOrMissingCredentials) {
  environment_["AWS_SECRET_ACCESS_KEY"] = "wrong";
  const Ran wrong = sync();
  expect(wrong, 4, "sluice: error: ");
  EXPECT_FALSE(has(wrong.err, "wrong\n"));
  environment_["AWS_ACCESS_KEY_ID"] = "AKIDUNKNOWN";
  expect(sync(), 4, "sluice: error: ");
  environment_.erase("AWS_ACCESS_KEY_ID");
  environment_.erase("AWS_SECRET_ACCESS_KEY");
  expect(sync(), 4, "credentials");
  expect(sync({"--no-sign-request"}), 4, "sluice: error: ");
}

TEST_F(Cli, Status5WhenTheEndpointDoesNotAnswer) {
  server_->stop();
  expect(sync({"--max-attempts", "1"}), 5, "127.0.0.1");
}

TEST_F(Cli, Status5ForAListingThatIsNone) {
  server_->set_faults({rule(Operation::list, faults::body("<html>Sign in</html>"))});
  expect(sync({"--max-attempts", "1"}), 5, "sluice: error: ");
}

TEST_F(Cli, Status6WhenTheDirectoryCannotBeUsed) {
  bucket_->put("a", "x");
  write_file(work_ / "file", "not a folder");
  expect(run({"sync", "s3://photos", work_ / "file"}), 6, work_ / "file");
  EXPECT_EQ(read_file(work_ / "file"), "not a folder");
}

TEST_F(Cli, Status7WhenAGuardRefusesToDelete) {
  bucket_->put("a", "x");
  ASSERT_EQ(sync().status, 0);
  bucket_->remove("a");
  expect(sync({"--delete"}), 7, "--allow-empty-source");
  EXPECT_TRUE(tree_of(dir()).contains("a"));
  expect(sync({"--delete", "--allow-empty-source", "--max-delete", "0"}), 7, "--max-delete");
  EXPECT_EQ(sync({"--delete", "--allow-empty-source"}).status, 0);
  EXPECT_FALSE(tree_of(dir()).contains("a"));
}

TEST_F(Cli, Status75WhenTheDirectoryIsLocked) {
  bucket_->put("a", "x");
  Program other(options({"watch", "s3://photos", dir(), "--interval", "1h"}));
  ASSERT_TRUE(other.wait_for("pass done")) << other.err();
  expect(sync(), 75, dir());
}

TEST_F(Cli, AnotherRegionIsFoundOrNamed) {
  ServerOptions elsewhere = with_credentials();
  elsewhere.region = "eu-central-1";
  serve(std::move(elsewhere));
  bucket_->put("a", "x");
  const Ran ran = sync({"--region", "us-west-2"});
  EXPECT_TRUE(ran.status == 0 || has(ran.err, "eu-central-1")) << ran.status << ran.err;
  EXPECT_EQ(sync({"--region", "eu-central-1"}).status, 0);
}

}  // namespace
}  // namespace sluice::testing

#include "pass_fixture.hpp"

namespace sluice::mirror {
namespace {

/// Passes in which content is proved, or is not.
class ProofTest : public PassTest {};
INSTANTIATE_TEST_SUITE_P(Runtimes, ProofTest, ::testing::Range(-1, kSeedsEnd), runtime_name);

TEST_P(ProofTest, CorruptContentIsNeverInstalled) {
  bucket_.put("a", "old");
  run();
  bucket_.put("a", "new content");
  bucket_.set_faults([](Operation, std::string_view) {
    fake::Bucket::Fault fault;
    fault.corrupt = true;
    return fault;
  });
  auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::incomplete);
  EXPECT_EQ(observer_->keys(What::failed), std::vector<std::string>{"a"});
  EXPECT_EQ(tree(), (Tree{{"a", "old"}}));
  bucket_.set_faults(nullptr);
  summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(tree(), (Tree{{"a", "new content"}}));
}

TEST_P(ProofTest, OneCorruptAnswerIsFetchedAgain) {
  const std::string content(200 * 1024, 'z');
  bucket_.put("big", content);
  int call = 0;
  std::mutex mutex;
  bucket_.set_faults([&](Operation operation, std::string_view) {
    std::lock_guard lock(mutex);
    fake::Bucket::Fault fault;
    fault.corrupt = operation == Operation::get && ++call == 2;
    return fault;
  });
  const auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(tree(), (Tree{{"big", content}}));
}

TEST_P(ProofTest, AnotherFileOfTheSizeOfAnUploadInPartsIsFetched) {
  bucket_.put_in_parts("even", std::string(250'000, 'e'), {100'000, 100'000, 50'000});
  bucket_.put_in_parts("uneven", std::string(250'000, 'u'), {60'000, 90'000, 100'000});
  fake::write_file(file("even"), std::string(250'000, '?'));
  fake::write_file(file("uneven"), std::string(250'000, 'u'));
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  EXPECT_EQ(observer_->keys(What::fetched), (std::vector<std::string>{"even", "uneven"}));
  EXPECT_EQ(tree(), bucket_tree());
}

TEST_P(ProofTest, AnUploadInPartsIsProvedByThem) {
  options_.verify = MirrorOptions::Verify::strict;
  const auto content = [](char c, std::size_t bytes) { return std::string(bytes, c); };
  bucket_.put_in_parts("even", content('e', 250'000), {100'000, 100'000, 50'000});
  bucket_.put_in_parts("like it", content('l', 150'000), {100'000, 50'000});
  bucket_.put_in_parts("one", content('o', 1'000), {1'000});
  bucket_.put_in_parts("uneven", content('u', 250'000), {60'000, 90'000, 100'000});
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  EXPECT_EQ(tree(), bucket_tree());
  bucket_.reset_counts();
  const auto quiet = run();
  EXPECT_EQ(quiet.progress.count(What::kept), 4u);
  EXPECT_EQ(bucket_.count(Operation::head) + bucket_.count(Operation::get), 0u);

  // Other content, of which one byte comes wrong every time.
  for (const char* key : {"even", "uneven", "one"}) {
    auto object = bucket_.objects().at(key);
    bucket_.put_in_parts(key, content('x', object.content.size()), object.parts);
  }
  bucket_.set_faults([](Operation, std::string_view) {
    fake::Bucket::Fault fault;
    fault.corrupt = true;
    return fault;
  });
  const Tree before = tree();
  EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
  EXPECT_EQ(observer_->keys(What::failed), (std::vector<std::string>{"even", "one", "uneven"}));
  EXPECT_EQ(tree(), before);
}

TEST_P(ProofTest, StrictVerificationRefusesWhatHasNoProof) {
  fake::Bucket::Object object;
  object.content = "content";
  object.version = Version{"0123-2", 7, 1'700'000'000'000};
  bucket_.put_object("multipart", object);
  auto summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(summary.unproven, 1u);
  fs::remove_all(options_.dir);
  options_.verify = MirrorOptions::Verify::strict;
  summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::incomplete);
  EXPECT_TRUE(tree().empty());

  // It is not downloaded again to be refused again, until it changes or is asked for otherwise.
  bucket_.reset_counts();
  summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::incomplete);
  EXPECT_EQ(observer_->keys(What::refused), std::vector<std::string>{"multipart"});
  EXPECT_EQ(bucket_.count(Operation::get), 0u);
  options_.verify = MirrorOptions::Verify::automatic;
  summary = run();
  EXPECT_EQ(exit_status(summary), ExitStatus::equal);
  EXPECT_EQ(tree(), bucket_tree());
  // A file of ours stays ours while its new version is refused.
  object.content = "changed";
  object.version.etag = "4567-2";
  bucket_.put_object("multipart", object);
  options_.verify = MirrorOptions::Verify::strict;
  EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
  bucket_.remove("multipart");
  bucket_.put("other", "other");
  options_.delete_extraneous = true;
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  EXPECT_EQ(tree(), bucket_tree());
}

TEST_P(ProofTest, ARefusalIsForgottenWithItsKey) {
  fake::Bucket::Object object;
  object.content = "content";
  object.version = Version{"0123-2", 7, 1'700'000'000'000};
  bucket_.put_object("multipart", object);
  bucket_.put("other", "other");
  options_.verify = MirrorOptions::Verify::strict;
  EXPECT_EQ(exit_status(run()), ExitStatus::incomplete);
  fake::write_file(file("multipart"), "somebody else's");
  bucket_.remove("multipart");
  options_.delete_extraneous = true;
  EXPECT_EQ(exit_status(run()), ExitStatus::equal);
  EXPECT_EQ(observer_->keys(What::local_kept), std::vector<std::string>{});
  EXPECT_EQ(fake::read_file(file("multipart")), "somebody else's");
}

}  // namespace
}  // namespace sluice::mirror

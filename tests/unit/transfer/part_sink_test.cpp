#include "transfer/part_sink.hpp"

#include "fake_bucket.hpp"
#include "temporary_directory.hpp"
#include "transfer/body_digester.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace sluice::transfer {
namespace {

constexpr std::uint64_t kPart = 200'000;

std::string content_of(std::size_t size) {
  std::string text;
  while (text.size() < size)
    text += std::to_string(text.size()) + ",";
  text.resize(size);
  return text;
}

/// The second part of an object in several, or an object in one.
class PartSinkTest : public ::testing::Test {
 protected:
  PartSinkTest() : destination_(*local::Destination::open(dir_ / "mirror")) {}

  void begin(std::uint64_t size, Hashing hashing, std::string etag = "") {
    Version version;
    version.size = size;
    version.etag = std::move(etag);
    FetchTask task("k", local::RelativePath::from_key("k", "").value(), version);
    assembly_ = std::make_unique<Assembly>(std::move(task), PartPlan(size, kPart));
    staged_ = assembly_->staged(*destination_, 0).value();
    const PartPlan& plan = assembly_->plan();
    range_ = plan.range(plan.count() > 1 ? 1 : 0);
    sink_.emplace(*assembly_, *staged_, *range_, VerifyMode::automatic, hashing, received_,
                  *runtime_, concurrency_);
    store::ObjectHead head;
    head.version = version;
    ASSERT_TRUE(sink_->begin(head));
  }

  void write(std::string_view bytes) {
    ASSERT_TRUE(sink_->write(std::as_bytes(std::span(bytes.data(), bytes.size()))));
  }

  /// The same by way of the sink's pipe.
  Result<void> send(std::string_view bytes) {
    const std::string path = dir_ / "source";
    fake::write_file(path, std::string(bytes));
    const int source = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_TRUE(pipe_.open());
    EXPECT_EQ(pipe_.fill_from(source, bytes.size()), static_cast<ssize_t>(bytes.size()));
    ::close(source);
    return sink_->write_pipe(pipe_);
  }

  std::string staged_bytes() const {
    std::string text(range_->length(), '\0');
    EXPECT_EQ(
        ::pread(staged_->fd(), text.data(), text.size(), static_cast<off_t>(range_->offset())),
        static_cast<ssize_t>(text.size()));
    return text;
  }

  const fake::TemporaryDirectory dir_;
  std::unique_ptr<local::Destination> destination_;
  std::unique_ptr<Assembly> assembly_;
  local::StagedFile* staged_ = nullptr;
  std::optional<ByteRange> range_;
  std::atomic<std::uint64_t> received_ = 0;
  const std::unique_ptr<async::Runtime> runtime_ = async::make_deterministic_runtime({.seed = 1});
  SharedLimit limit_{{4, 4, 4}, received_};
  Concurrency concurrency_{*runtime_, limit_, 0, 1};
  std::optional<PartSink> sink_;
  Pipe pipe_;
};

Digest crc_of(std::string_view content) {
  RunningDigest running(kPartDigest);
  running.update(std::as_bytes(std::span(content.data(), content.size())));
  return running.finish();
}

TEST_F(PartSinkTest, ADigestIsTheSameWhicheverWayTheBytesCome) {
  const std::string content = content_of(kPart);
  // From memory, through the pipe, from memory again: as the head, the middle and the end of a body
  // come.
  for (const auto& [first, second] : std::vector<std::pair<std::size_t, std::size_t>>{
           {0, kPart}, {1, kPart - 1}, {7'700, 190'000}, {kPart, kPart}, {5'000, 5'001}}) {
    begin(3 * kPart - 1, Hashing::always);
    received_ = 0;
    EXPECT_TRUE(sink_->takes_pipe());
    if (first > 0) write(content.substr(0, first));
    if (second > first) {
      ASSERT_TRUE(send(content.substr(first, second - first)));
    }
    if (second < kPart) write(content.substr(second));
    EXPECT_EQ(pipe_.held(), 0u);
    EXPECT_EQ(sink_->done(), kPart);
    EXPECT_EQ(received_, kPart);
    EXPECT_EQ(assembly_->received_bytes(), kPart);
    EXPECT_TRUE(staged_bytes() == content) << first << ' ' << second;
    EXPECT_EQ(sink_->finish_digest(), crc_of(content)) << first << ' ' << second;
  }
}

TEST_F(PartSinkTest, WhereTheFileTakesNothingFromAPipeItIsCopied) {
  const std::string content = content_of(150'000);
  begin(150'000, Hashing::always);
  // splice(2): EINVAL where the target is opened for appending. Writes go to the end then, which is
  // where these belong.
  ASSERT_EQ(::fcntl(staged_->fd(), F_SETFL, O_APPEND), 0);
  for (std::size_t at = 0; at < content.size(); at += 75'000)
    ASSERT_TRUE(send(content.substr(at, 75'000)));
  EXPECT_EQ(pipe_.held(), 0u);
  EXPECT_TRUE(staged_bytes() == content);
  EXPECT_EQ(sink_->finish_digest(), crc_of(content));
}

TEST_F(PartSinkTest, SmallBodiesAreWantedInMemory) {
  begin(BodyDigester::kMostBytes, Hashing::always, "0123456789abcdef0123456789abcdef");
  EXPECT_FALSE(sink_->takes_pipe());
  begin(BodyDigester::kMostBytes + 1, Hashing::always, "0123456789abcdef0123456789abcdef");
  EXPECT_TRUE(sink_->takes_pipe());
}

TEST_F(PartSinkTest, WhatIsNotCheckedIsNotHashed) {
  const std::string content = content_of(kPart);
  begin(3 * kPart, Hashing::if_checked);
  write(content.substr(0, 10));
  ASSERT_TRUE(send(content.substr(10)));
  EXPECT_TRUE(staged_bytes() == content);
  EXPECT_FALSE(sink_->finish_digest());
  EXPECT_FALSE(sink_->body());
}

TEST_F(PartSinkTest, AFailureOfTheFileIsLocalAndLeavesTheRest) {
  begin(3 * kPart, Hashing::always);
  const int read_only = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::dup3(read_only, staged_->fd(), O_CLOEXEC), staged_->fd());
  ::close(read_only);
  const auto written = send("abc");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::local);
  EXPECT_EQ(written.error().os_error, EBADF);
  EXPECT_NE(written.error().message.find("cannot write the staged file"), std::string::npos);
  EXPECT_EQ(pipe_.held(), 3u);
  EXPECT_EQ(sink_->done(), 0u);
}

TEST_F(PartSinkTest, ATryThatIsVoidTakesItsBytesBack) {
  begin(3 * kPart - 1, Hashing::always);
  received_ = 5;
  assembly_->add_received(7);
  write(content_of(kPart));
  EXPECT_EQ(assembly_->received_bytes(), kPart + 7);
  sink_->restart();
  EXPECT_EQ(received_, 5U);
  EXPECT_EQ(assembly_->received_bytes(), 7U);
}

}  // namespace
}  // namespace sluice::transfer

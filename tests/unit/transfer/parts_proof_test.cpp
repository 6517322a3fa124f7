#include "transfer/parts_proof.hpp"

#include "base/text.hpp"
#include "fake_bucket.hpp"
#include "heads.hpp"
#include "temporary_directory.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <random>
#include <unistd.h>

namespace sluice::transfer {
namespace {

using Sizes = std::vector<std::uint64_t>;

TEST(CompositeDigest, OfAnETag) {
  const std::string md5 = "d41d8cd98f00b204e9800998ecf8427e";
  const auto found = composite_digest(head_with_etag(md5 + "-17"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->parts, 17u);
  EXPECT_EQ(found->expected.kind, DigestKind::md5);
  EXPECT_EQ(text::hex(std::as_bytes(std::span(found->expected.bytes))), md5);
  EXPECT_EQ(composite_digest(head_with_etag("D41D8CD98F00B204E9800998ECF8427E-10000"))->expected,
            found->expected);
  for (const std::string& etag :
       {md5, md5 + "-", md5 + "-0", md5 + "-10001", md5 + "-x", md5 + "-1-2", md5.substr(1) + "-2",
        std::string("-2"), std::string()})
    EXPECT_FALSE(composite_digest(head_with_etag(etag))) << etag;
  store::ObjectHead encrypted = head_with_etag(md5 + "-2");
  encrypted.opaque_etag = true;
  EXPECT_FALSE(composite_digest(encrypted));
}

TEST(CompositeDigest, AChecksumComesFirst) {
  store::ObjectHead head = head_with_etag("d41d8cd98f00b204e9800998ecf8427e-3");
  store::Checksum checksum;
  checksum.digest = Digest{DigestKind::crc32c, "abcd"};
  head.checksums = {checksum};
  EXPECT_EQ(composite_digest(head)->expected.kind, DigestKind::md5) << "of the whole: no composite";
  head.checksums[0].full_object = false;
  EXPECT_EQ(composite_digest(head)->expected, checksum.digest);
  EXPECT_EQ(composite_digest(head)->parts, 3u) << "by the ETag";
  head.checksums[0].parts = 2;
  EXPECT_EQ(composite_digest(head)->parts, 2u);
  head.opaque_etag = true;
  EXPECT_EQ(composite_digest(head)->expected, checksum.digest);
}

TEST(EvenParts, OnlyIfTheNumberIsRight) {
  const auto parts = even_parts(10, 4, 3);
  ASSERT_TRUE(parts);
  EXPECT_EQ(*parts,
            (Parts{*ByteRange::make(0, 4), *ByteRange::make(4, 4), *ByteRange::make(8, 2)}));
  EXPECT_EQ(even_parts(8, 4, 2)->size(), 2u);
  EXPECT_EQ(even_parts(3, 4, 1)->size(), 1u);
  for (const std::uint32_t count : {0u, 2u, 4u})
    EXPECT_FALSE(even_parts(10, 4, count)) << count;
  EXPECT_FALSE(even_parts(10, 0, 3));
  EXPECT_FALSE(even_parts(~0ull, 1, 3));
}

TEST(PlausiblePartBytes, WholeMiBThatFitAndAreFew) {
  constexpr std::uint64_t kMiB = 1 << 20;
  EXPECT_EQ(plausible_part_bytes(12 * kMiB, 3), Sizes{5 * kMiB});
  EXPECT_EQ(plausible_part_bytes(5 * kMiB + 1, 2), Sizes{5 * kMiB});
  EXPECT_EQ(plausible_part_bytes(1024 * kMiB, 128), Sizes{8 * kMiB});
  EXPECT_EQ(plausible_part_bytes(1000 * kMiB, 20), (Sizes{50 * kMiB, 51 * kMiB, 52 * kMiB}));
  EXPECT_TRUE(plausible_part_bytes(100 * kMiB, 2).empty()) << "50 to 99";
  EXPECT_TRUE(plausible_part_bytes(3 * kMiB, 2).empty()) << "smaller than S3 allows";
  EXPECT_TRUE(plausible_part_bytes(3 * kMiB, 1).empty());
  EXPECT_TRUE(plausible_part_bytes(~0ull, 10'000).empty());
}

/// On the threaded runtime (-1) and on the deterministic one.
class PartsProverTest : public ::testing::TestWithParam<int> {
 protected:
  PartsProverTest() {
    std::mt19937 random(3);
    content_.resize(300'001);
    for (char& c : content_)
      c = static_cast<char>(random());
    fake::write_file(dir_ / "f", content_);
    fd_ = open((dir_ / "f").c_str(), O_RDWR | O_CLOEXEC);
    version_.etag = "e";
    version_.size = content_.size();
  }
  ~PartsProverTest() override { close(fd_); }

  /// An upload in these parts; what is told of them is in `told_`.
  CompositeDigest uploaded(const Sizes& sizes, DigestKind kind = DigestKind::md5) {
    told_ = sizes;
    const auto algorithm =
        kind == DigestKind::md5 ? crypto::Algorithm::md5 : crypto::Algorithm::crc32c;
    return CompositeDigest{Digest{kind, fake::composite(algorithm, content_, sizes)},
                           static_cast<std::uint32_t>(sizes.size())};
  }

  /// 5, 5 and 2 MiB, of which the server tells nothing.
  CompositeDigest uploaded_in_mebibytes() {
    constexpr std::uint64_t kMiB = 1 << 20;
    const std::string block = content_;
    while (content_.size() < 12 * kMiB)
      content_ += block;
    content_.resize(12 * kMiB);
    version_.size = content_.size();
    fake::write_file(dir_ / "f", content_);
    const CompositeDigest right = uploaded({5 * kMiB, 5 * kMiB, 2 * kMiB});
    told_ = {};
    return right;
  }

  /// One after the other by the same prover; `asked_` counts the requests for the last.
  Result<bool> prove(std::vector<CompositeDigest> composites) {
    const auto runtime =
        GetParam() < 0
            ? async::make_threaded_runtime({})
            : async::make_deterministic_runtime({.seed = static_cast<std::uint64_t>(GetParam())});
    FileDigester digester(*runtime);
    PartsProver prover(*runtime, digester);
    std::optional<Result<bool>> result;
    const PartsProver::AskHead ask = [this](store::HeadRequest request) {
      return answer(std::move(request));
    };
    runtime->run([&]() -> async::Task<void> {
      for (const CompositeDigest& composite : composites) {
        asked_ = 0;
        Result<bool> proved = co_await prover.prove(ask, fd_, "k", version_, composite);
        result.emplace(std::move(proved));
      }
    });
    return *std::move(result);
  }

  async::Task<Result<store::ObjectHead>> answer(store::HeadRequest request) {
    ++asked_;
    if (error_) co_return *error_;
    store::ObjectHead head;
    head.version.etag = etag_now_;
    if (request.part >= 1 && request.part <= told_.size())
      head.part =
          store::UploadedPart{told_[request.part - 1], static_cast<std::uint32_t>(told_.size())};
    co_return head;
  }

  const fake::TemporaryDirectory dir_;
  std::string content_;
  int fd_ = -1;
  Version version_;
  Sizes told_;
  std::string etag_now_ = "e";
  std::optional<Error> error_;
  int asked_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Runtimes, PartsProverTest, ::testing::Range(-1, 3));

const Sizes kEven = {100'000, 100'000, 100'000, 1};
/// As many as even parts of the first one's size would be.
const Sizes kUneven = {90'000, 80'000, 90'000, 40'001};

TEST_P(PartsProverTest, EvenPartsCostOneRequestAndThoseThatFollowNone) {
  EXPECT_TRUE(prove({uploaded(kEven)}).value());
  EXPECT_EQ(asked_, 1);
  for (const DigestKind kind : {DigestKind::md5, DigestKind::crc32c}) {
    EXPECT_TRUE(prove({uploaded(kEven), uploaded(kEven, kind)}).value());
    EXPECT_EQ(asked_, 0);
  }
}

TEST_P(PartsProverTest, OnePartNeedsNoRequest) {
  EXPECT_TRUE(prove({uploaded({content_.size()})}).value());
  EXPECT_EQ(asked_, 0);
}

TEST_P(PartsProverTest, UnevenPartsAreAskedForOneByOne) {
  EXPECT_TRUE(prove({uploaded(kUneven)}).value());
  EXPECT_EQ(asked_, 4);
  const Sizes other = {10'000, 280'000, 10'001};  // no even parts begin like this
  EXPECT_TRUE(prove({uploaded(other, DigestKind::crc32c)}).value());
  EXPECT_EQ(asked_, 3);
}

TEST_P(PartsProverTest, OneWrongByteIsCorrupt) {
  for (const Sizes& sizes : {kEven, kUneven, Sizes{content_.size()}}) {
    const CompositeDigest right = uploaded(sizes);
    for (const std::size_t at : {std::size_t{0}, std::size_t{100'000}, content_.size() - 1}) {
      const char wrong = static_cast<char>(content_[at] ^ 1);
      ASSERT_EQ(pwrite(fd_, &wrong, 1, static_cast<off_t>(at)), 1);
      const auto proved = prove({right});
      ASSERT_FALSE(proved) << at;
      EXPECT_EQ(proved.error().kind, ErrorKind::corrupt);
      ASSERT_EQ(pwrite(fd_, &content_[at], 1, static_cast<off_t>(at)), 1);
    }
    EXPECT_TRUE(prove({right}).value());
  }
}

TEST_P(PartsProverTest, WhatTheServerDoesNotTellProvesNothing) {
  const CompositeDigest right = uploaded(kEven);
  told_ = {};
  EXPECT_FALSE(prove({right}).value()) << "it knows no parts";
  told_ = {100'000, 100'000, 100'001};
  EXPECT_FALSE(prove({right}).value()) << "another number";
  told_ = {90'000, 90'000, 90'000, 1};
  EXPECT_FALSE(prove({right}).value()) << "they do not add up";
  told_ = {90'000, 0, 0, 210'001};
  EXPECT_FALSE(prove({right}).value()) << "an empty part";
  told_ = {400'000, 1, 1, 1};
  EXPECT_FALSE(prove({right}).value()) << "larger than the whole";
  for (const int status : {400, 405, 416, 501}) {
    error_ = Error(ErrorKind::invalid_answer, "no");
    error_->http_status = status;
    EXPECT_FALSE(prove({right}).value()) << status;
  }
}

/// Found by a run against a real server: two objects were proved at the same time.
TEST_P(PartsProverTest, WhatAnotherObjectFindsOutMeanwhileIsTriedForThisOneToo) {
  const CompositeDigest right = uploaded_in_mebibytes();
  const auto runtime = async::make_deterministic_runtime({.seed = 1});
  FileDigester digester(*runtime);
  PartsProver prover(*runtime, digester);
  const PartsProver::AskHead ask = [this](store::HeadRequest request) {
    return answer(std::move(request));
  };
  std::optional<Result<bool>> other;
  const PartsProver::AskHead ask_late =
      [&](store::HeadRequest request) -> async::Task<Result<store::ObjectHead>> {
    Result<bool> proved = co_await prover.prove(ask, fd_, "other", version_, right);
    other.emplace(std::move(proved));
    co_return co_await answer(std::move(request));
  };
  std::optional<Result<bool>> result;
  runtime->run([&]() -> async::Task<void> {
    Result<bool> proved = co_await prover.prove(ask_late, fd_, "k", version_, right);
    result.emplace(std::move(proved));
  });
  EXPECT_TRUE(other->value());
  EXPECT_TRUE(result->value());
}

TEST_P(PartsProverTest, PlausibleSizesAreTriedIfTheServerDoesNotTell) {
  const CompositeDigest right = uploaded_in_mebibytes();
  EXPECT_TRUE(prove({right}).value());
  EXPECT_EQ(asked_, 1);
  EXPECT_TRUE(prove({right, right}).value());
  EXPECT_EQ(asked_, 0) << "as the one before";
  content_[7 << 20] ^= 1;
  fake::write_file(dir_ / "f", content_);
  EXPECT_FALSE(prove({right}).value()) << "no file is accused on a guess";
}

TEST_P(PartsProverTest, WhatIsInVainIsGivenUp) {
  const CompositeDigest right = uploaded(kEven);
  told_ = {};
  std::vector<CompositeDigest> many(Prospect::kMostInVain, right);
  EXPECT_FALSE(prove(many).value());
  EXPECT_EQ(asked_, 1);
  many.push_back(right);
  EXPECT_FALSE(prove(many).value());
  EXPECT_EQ(asked_, 0) << "this server never tells";
}

TEST_P(PartsProverTest, AFailureIsNoDisproof) {
  const CompositeDigest right = uploaded(kEven);
  error_ = Error(ErrorKind::transient, "reset");
  EXPECT_EQ(prove({right}).error().kind, ErrorKind::transient);
  error_.reset();
  etag_now_ = "another";
  EXPECT_EQ(prove({right}).error().kind, ErrorKind::changed);
}

}  // namespace
}  // namespace sluice::transfer

#include "transfer/verify.hpp"

#include "base/text.hpp"
#include "fake_bucket.hpp"
#include "heads.hpp"
#include "temporary_directory.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

namespace sluice::transfer {
namespace {

Digest digest_of(std::string_view content, DigestKind kind) {
  RunningDigest running(kind);
  running.update(std::as_bytes(std::span(content.data(), content.size())));
  return running.finish();
}

TEST(StrongestEvidence, PrefersAFullObjectChecksum) {
  store::ObjectHead head = head_with_etag("d41d8cd98f00b204e9800998ecf8427e");
  head.checksums.push_back({Digest{DigestKind::crc32c, "abcd"}, true});
  const auto evidence = strongest_evidence(head, VerifyMode::automatic);
  EXPECT_EQ(evidence.proof, Proof::checksum);
  EXPECT_EQ(evidence.compute, DigestKind::crc32c);
  EXPECT_EQ(evidence.expected.bytes, "abcd");
}

TEST(StrongestEvidence, ACompositeChecksumIsNoProofOfTheWhole) {
  store::ObjectHead head = head_with_etag("d41d8cd98f00b204e9800998ecf8427e-2");
  head.checksums.push_back({Digest{DigestKind::crc32c, "abcd"}, false});
  EXPECT_EQ(strongest_evidence(head, VerifyMode::automatic).proof, Proof::length);
}

TEST(StrongestEvidence, Md5OnlyWhereTheETagIsOne) {
  EXPECT_EQ(
      strongest_evidence(head_with_etag("D41D8CD98F00B204E9800998ECF8427E"), VerifyMode::automatic)
          .proof,
      Proof::md5);
  for (const char* etag :
       {"", "d41d8cd98f00b204e9800998ecf8427", "65ab12-5f0", "d41d8cd98f00b204e9800998ecf8427e-3",
        "g41d8cd98f00b204e9800998ecf8427e"})
    EXPECT_EQ(strongest_evidence(head_with_etag(etag), VerifyMode::automatic).proof, Proof::length)
        << etag;
  store::ObjectHead kms = head_with_etag("d41d8cd98f00b204e9800998ecf8427e");
  kms.opaque_etag = true;
  EXPECT_EQ(strongest_evidence(kms, VerifyMode::automatic).proof, Proof::length);
}

TEST(StrongestEvidence, LengthModeAsksForNothingMore) {
  const auto head = head_with_etag("d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(strongest_evidence(head, VerifyMode::length).proof, Proof::length);
}

TEST(Check, NamesBothDigestsAndTheKeyEscaped) {
  Evidence evidence;
  evidence.proof = Proof::md5;
  evidence.expected = digest_of("right", DigestKind::md5);
  EXPECT_TRUE(check(evidence, digest_of("right", DigestKind::md5), "k"));
  const auto wrong = check(evidence, digest_of("wrong", DigestKind::md5), "k\x1b[0m");
  ASSERT_FALSE(wrong);
  const Error error = wrong.error();
  EXPECT_EQ(error.kind, ErrorKind::corrupt);
  EXPECT_NE(error.message.find(fake::md5_hex("right")), std::string::npos);
  EXPECT_NE(error.message.find(fake::md5_hex("wrong")), std::string::npos);
  EXPECT_EQ(error.message.find('\x1b'), std::string::npos);
}

TEST(Combined, PartsGiveTheDigestOfTheWhole) {
  const std::string a(100'000, 'a');
  const std::string b(54'321, 'b');
  for (const DigestKind kind : {DigestKind::crc32, DigestKind::crc32c, DigestKind::crc64nvme}) {
    const auto whole = combined(digest_of(a, kind), digest_of(b, kind), b.size());
    ASSERT_TRUE(whole);
    EXPECT_EQ(*whole, digest_of(a + b, kind));
  }
  EXPECT_FALSE(combined(digest_of(a, DigestKind::md5), digest_of(b, DigestKind::md5), b.size()));
}

TEST(DigestOfFile, ReadsTheWholeFileAndMindsItsLength) {
  const fake::TemporaryDirectory dir;
  const std::string content(1'000'003, 'x');
  fake::write_file(dir / "f", content);
  const int fd = open((dir / "f").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  const auto digest = digest_of_file(fd, content.size(), DigestKind::sha256);
  ASSERT_TRUE(digest);
  EXPECT_EQ(*digest, digest_of(content, DigestKind::sha256));
  EXPECT_FALSE(digest_of_file(fd, content.size() - 1, DigestKind::md5));
  EXPECT_FALSE(digest_of_file(fd, content.size() + 1, DigestKind::md5));
  close(fd);
}

}  // namespace
}  // namespace sluice::transfer

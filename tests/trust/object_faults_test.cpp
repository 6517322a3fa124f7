// Every way in which the answer for one object has been seen to go wrong, and what must come of it:
// the object has changed in the bucket, and an old file is there. The old file or the new one
// stands under its name, whole; the status says which.
#include "trust_fixture.hpp"

#include <csignal>
#include <iterator>

namespace sluice::testing {
namespace {

constexpr const char* kKey = "dir/k4";

enum class Left : std::uint8_t { old_file, new_file };
/// Large objects come in several parts of 64 KiB.
enum class Size : std::uint8_t { small, large };
constexpr std::uint64_t kLargeBytes = 300'000;

enum class Evidence : std::uint8_t { md5, crc, parts, none };

struct ObjectFault {
  const char* name;
  Size size;
  origin::Action fault;  ///< on every GET of the object
  int status;
  Left left;
  const char* says;
  Evidence evidence = Evidence::md5;
  Words flags = {};
};
void PrintTo(const ObjectFault& row, std::ostream* out) {
  *out << row.name;
}

constexpr Left kOld = Left::old_file;
constexpr Left kNew = Left::new_file;
constexpr Size kSmall = Size::small;
constexpr Size kLarge = Size::large;

/// Half of what was asked for, with a Content-Length to match.
origin::Action half() {
  return faults::call([](origin::Exchange& e) { e.answer.response.body_bytes /= 2; });
}

origin::Action chunked_half() {
  return faults::call([](origin::Exchange& e) {
    e.answer.response.body_bytes /= 2;
    e.delivery.framing = origin::Delivery::Framing::chunked;
  });
}

origin::Action answer(int status) {
  return faults::call([status](origin::Exchange& e) { e.answer.response.status = status; });
}

origin::Action header(std::string name, std::string value) {
  return faults::call([name = std::move(name), value = std::move(value)](origin::Exchange& e) {
    origin::set_header(e.answer.response.headers, name, value);
  });
}

const char* const kError =
    "<?xml version=\"1.0\"?><Error><Code>InternalError</Code><Message>no</Message></Error>";
/// As long as the small object.
const std::string kErrorOfTheSameLength = std::string("<Error><Code>A</Code></Error>") + "   ";
constexpr std::size_t kSmallBytes = 32;

const ObjectFault kObjectFaults[] = {
    // Bytes that are missing, or too many.
    {"CutEveryTime", kSmall, faults::cut(7), 1, kOld, "closed the connection"},
    {"LargeCutEveryTime", kLarge, faults::cut(700), 1, kOld, "closed the connection"},
    {"ResetEveryTime", kSmall, faults::reset(7), 1, kOld, "after 7 bytes"},
    {"HalfWithALengthToMatch", kSmall, half(), 1, kOld, "16 bytes"},
    {"HalvesOfPartsWithALengthToMatch", kLarge, half(), 1, kOld, "contradict"},
    {"LengthTooLong", kSmall, faults::content_length(5), 1, kOld, ""},
    {"LengthTooShort", kSmall, faults::content_length(-5), 1, kOld, ""},
    {"TwoLengths", kSmall, faults::set_header("Content-Length", "7"), 1, kOld,
     "two Content-Length"},
    {"NoLength", kSmall, faults::no_content_length(), 1, kOld, "length"},
    {"PartsWithoutALength", kLarge, faults::no_content_length(), 1, kOld, "length"},
    {"SurplusBytes", kSmall, faults::extra_bytes("surplus"), 0, kNew, ""},
    {"Chunked", kSmall, faults::chunked(), 0, kNew, ""},
    {"ChunkedAndCut", kSmall, faults::chunked_cut(7), 1, kOld, "before the end"},
    {"ChunkedButHalf", kSmall, chunked_half(), 1, kOld, "too early"},
    {"PartsChunked", kLarge, faults::chunked(), 0, kNew, ""},
    {"PartsChunkedAndCut", kLarge, faults::chunked_cut(1000), 1, kOld, "before the end"},
    {"NoHttp", kSmall, faults::garbage("220 ftp.example.com\r\n"), 1, kOld, "not HTTP/1"},
    {"HeadCut", kSmall, faults::cut_head(30), 1, kOld, ""},
    // Bytes that are wrong.
    {"FlippedUnderAnMd5", kSmall, faults::flip(3), 1, kOld, "md5 is"},
    {"LargeFlippedUnderAnMd5", kLarge, faults::flip(30'000), 1, kOld, "md5 is"},
    {"FlippedUnderACrc", kSmall, faults::flip(3), 1, kOld, "crc32c is", Evidence::crc},
    {"LargeFlippedUnderACrc", kLarge, faults::flip(30'000), 1, kOld, "crc32c is", Evidence::crc},
    {"FlippedUnderTheMd5sOfParts", kSmall, faults::flip(30), 1, kOld, "md5 over its 2 parts",
     Evidence::parts},
    {"LargeFlippedUnderTheMd5sOfParts", kLarge, faults::flip(30'000), 1, kOld,
     "md5 over its 3 parts", Evidence::parts},
    {"FlippedUnderNothingIsRefusedByStrict",
     kSmall,
     faults::flip(3),
     1,
     kOld,
     "--verify strict",
     Evidence::none,
     {"--verify", "strict"}},
    // What is not the object.
    {"ErrorUnder200", kSmall, faults::body(kError), 1, kOld, "InternalError"},
    {"ErrorUnder200OfTheSameLength", kSmall, faults::body(kErrorOfTheSameLength, 200, "text/plain"),
     1, kOld, "no ETag"},
    {"ErrorUnder200ForAPart", kLarge, faults::body(kError), 1, kOld, ""},
    {"ErrorUnder206ForAPart", kLarge, faults::body(kError, 206), 1, kOld, "Content-Range"},
    {"CaptivePortal", kSmall, faults::body("<html>Log in</html>", 200, "text/html"), 1, kOld, ""},
    {"EmptyBody", kSmall, faults::body(""), 1, kOld, ""},
    {"Answers204", kSmall, answer(204), 1, kOld, "204"},
    {"Answers304", kSmall, answer(304), 1, kOld, "304"},
    {"Answers500", kSmall, faults::status(500, "InternalError"), 1, kOld, "InternalError"},
    {"Answers503", kSmall, faults::status(503), 1, kOld, "503"},
    {"Answers403", kSmall, faults::status(403, "AccessDenied"), 1, kOld, "s3:GetObject"},
    {"AnswersKms", kSmall, faults::status(400, "KMS.DisabledException"), 1, kOld, "KMS"},
    {"Answers404OfNobody", kSmall, faults::status(404), 1, kOld, "404"},
    {"Answers416", kLarge, faults::status(416, "InvalidRange"), 1, kOld, ""},
    {"Archived", kSmall, faults::status(403, "InvalidObjectState"), 1, kOld, "archived"},
    // Ranges.
    {"RangeIgnored", kLarge, faults::ignore_range(), 1, kOld, "ignores Range"},
    // One at a time: of the last part the range would end beyond the object, which is told first.
    {"RangeOfOtherBytes",
     kLarge,
     faults::wrong_content_range(5),
     1,
     kOld,
     "asked for were",
     Evidence::md5,
     {"-j", "1"}},
    {"RangeOfAnotherTotal", kLarge, faults::wrong_content_range(0, 5), 1, kOld, "bytes"},
    {"RangeThatIsNone", kLarge, header("Content-Range", "bytes */300000"), 1, kOld,
     "no byte range"},
    {"NoContentRange", kLarge, faults::remove_header("Content-Range"), 1, kOld, "Content-Range"},
    {"SeveralRanges", kLarge, header("Content-Type", "multipart/byteranges; boundary=x"), 1, kOld,
     "several"},
    {"PartAsTheWhole", kSmall, answer(206), 1, kOld, ""},
    // Another version.
    {"NoETag", kSmall, faults::wrong_etag(""), 1, kOld, "no ETag"},
    {"NoETagOfAPart", kLarge, faults::wrong_etag(""), 1, kOld, "no ETag"},
    {"AnotherETag", kSmall, faults::wrong_etag("\"00000000000000000000000000000000\""), 1, kOld,
     "ETag"},
    {"AnotherETagOfAPart", kLarge, faults::wrong_etag("\"00000000000000000000000000000000\""), 1,
     kOld, "ETag"},
    {"OverwrittenBeforeEveryAnswer", kLarge, faults::overwrite_same_size(), 1, kOld, ""},
    // Encodings, which S3 only remembers.
    {"ContentEncodingIsKept", kSmall, header("Content-Encoding", "gzip"), 0, kNew, ""},
    {"TransferEncodingIsNot", kSmall, faults::set_header("Transfer-Encoding", "gzip, chunked"), 1,
     kOld, ""},
    // A hostile server.
    {"HugeHeader", kSmall, faults::huge_header(100'000), 1, kOld, "more than 65536 bytes"},
    {"HeaderFlood", kSmall, faults::many_headers(10'000), 1, kOld, "more than 65536 bytes"},
    {"InterimAnswersWithoutEnd", kSmall, faults::informational(1000), 1, kOld, ""},
    {"DateOfLongAgo", kSmall, faults::skew_date(std::chrono::hours(-400)), 0, kNew, ""},
    // Odd, but right.
    {"SmallWrites", kLarge, faults::chunk_bytes(1000), 0, kNew, ""},
    {"KeepAliveEndsWithoutNotice", kLarge, faults::close_after_answer(), 0, kNew, ""},
    {"InterimAnswers", kLarge, faults::informational(2), 0, kNew, ""},
};

class WithChangedObject : public Trust {
 protected:
  void change(Size size, Evidence evidence) {
    origin::ObjectOptions options;
    if (evidence != Evidence::md5) options.etag = "\"opaque\"";
    if (evidence == Evidence::crc) options.checksum = origin::ChecksumAlgorithm::crc32c;
    if (evidence == Evidence::parts) {
      options.etag.reset();
      options.part_bytes = size == Size::small ? 20 : 100'000;
    }
    if (size == Size::small)
      bucket_->put(kKey, std::string(kSmallBytes, 'n'), kTime + 5000, options);
    else
      bucket_->put_generated(kKey, kLargeBytes, 7, kTime + 5000, options);
  }
};

class ObjectFaults : public WithChangedObject, public ::testing::WithParamInterface<ObjectFault> {};

std::string row_name(const ::testing::TestParamInfo<ObjectFault>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Rows, ObjectFaults, ::testing::ValuesIn(kObjectFaults), row_name);

TEST_P(ObjectFaults, LeaveTheOldFileOrTheNewOneWhole) {
  const ObjectFault& row = GetParam();
  const std::string old_content = local().at(kKey);
  change(row.size, row.evidence);
  server_->set_faults({rule(Operation::get, row.fault, kKey)});
  server_->clear_requests();
  const Ran ran = sync_deleting(row.flags);
  // Five parts, two tries each, and three more starts at most.
  EXPECT_LE(requests(Operation::get), 5U * 2 * 4);
  expect(ran, row.status, row.says);
  if (row.status != 0) {
    EXPECT_TRUE(has(ran.err, kKey)) << "the key is not named: " << ran.err;
  }
  EXPECT_EQ(local().size(), kAllLeft);
  if (row.left == Left::old_file) {
    EXPECT_EQ(local().at(kKey), old_content);
  } else {
    EXPECT_EQ(local().at(kKey), origin::read_all(*bucket_->find(kKey)->content));
  }
  if (row.size == Size::small) expect_staging_empty();  // parts of a large one are kept
  expect_recovery();
}

// --- rows that take more than one answer, or another way to fail ---

class Objects : public WithChangedObject {
 protected:
  void expect_new() const {
    EXPECT_EQ(local().at(kKey), origin::read_all(*bucket_->find(kKey)->content));
  }
};

TEST_F(Objects, EachFaultOnceIsRiddenOut) {
  for (const ObjectFault& row : kObjectFaults) {
    if (row.status == 0 || has(row.name, "Answers4") || has(row.name, "Archived") ||
        has(row.name, "Kms") || row.evidence == Evidence::none)
      continue;
    SCOPED_TRACE(row.name);
    change(row.size, row.evidence);
    server_->set_faults({nth(Operation::get, 1, row.fault)});
    const Ran ran = sync_deleting({"--max-attempts", "3"});
    EXPECT_EQ(ran.status, 0) << ran.err;
    expect_new();
  }
  expect_recovery();
}

TEST_F(Objects, OverwrittenBetweenRangesIsOneVersion) {
  for (const std::uint64_t after : {1, 2, 4}) {
    SCOPED_TRACE(after);
    change(Size::large, Evidence::md5);
    server_->set_faults(
        {nth(Operation::get, after, faults::overwrite_same_size(faults::When::after))});
    const Ran ran = sync_deleting({"-j", "1"});
    EXPECT_EQ(ran.status, 0) << ran.err;
    expect_new();
  }
  expect_recovery();
}

TEST_F(Objects, WithoutIfMatchTheETagOfEachAnswerIsCompared) {
  change(Size::large, Evidence::md5);
  origin::Rule refuses = rule(Operation::get, faults::status(501, "NotImplemented"), kKey);
  refuses.match.to = 1;
  server_->set_faults(
      {refuses, nth(Operation::get, 3, faults::overwrite_same_size(faults::When::after))});
  const Ran ran = sync_deleting({"-j", "1"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  expect_new();
  expect_recovery();
}

TEST_F(Objects, AKeyThatVanishedKeepsItsFileUntilAListingSaysSo) {
  const std::string old_content = local().at(kKey);
  change(Size::small, Evidence::md5);
  server_->set_faults({rule(Operation::get, faults::remove(), kKey)});
  const Ran ran = sync_deleting();
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(has(ran.out, "1 vanished meanwhile")) << ran.out;
  EXPECT_EQ(local().at(kKey), old_content);
  expect_recovery();
  EXPECT_FALSE(local().contains(kKey));
}

TEST_F(Objects, ArchivedOnesAreReportedAndNotAskedFor) {
  for (const char* storage : {"GLACIER", "DEEP_ARCHIVE"}) {
    bucket_->put(kKey, "cold", kTime + 5000, {.storage_class = storage});
    server_->clear_requests();
    expect(sync_deleting(), 1, "archived dir/k4");
    EXPECT_EQ(requests(Operation::get), 0U) << storage;
    EXPECT_EQ(local().at(kKey), "content of dir/k4");
  }
  for (const char* storage : {"GLACIER_IR", "INTELLIGENT_TIERING", "EXPRESS_ONEZONE"}) {
    bucket_->put(kKey, storage, kTime + 5000, {.storage_class = storage});
    EXPECT_EQ(sync_deleting().status, 0) << storage;
    expect_new();
  }
  expect_recovery();
}

TEST_F(Objects, AnETagOfEncryptionIsNoMd5) {
  struct Case {
    const char* name;
    origin::Headers headers;
    const char* verified;
  };
  const std::string opaque = "\"d41d8cd98f00b204e9800998ecf8427e\"";  // an MD5, but not of this
  for (const Case& row : {
           Case{"SSE-KMS", {{"x-amz-server-side-encryption", "aws:kms"}}, "1 by length only"},
           Case{"DSSE", {{"x-amz-server-side-encryption", "aws:kms:dsse"}}, "1 by length only"},
           Case{"SSE-C",
                {{"x-amz-server-side-encryption-customer-algorithm", "AES256"}},
                "1 by length only"},
       }) {
    bucket_->put(kKey, row.name, kTime + 5000, {.etag = opaque, .headers = row.headers});
    const Ran ran = sync_deleting();
    EXPECT_EQ(ran.status, 0) << row.name << ran.err;
    EXPECT_TRUE(has(ran.out, row.verified)) << row.name << ran.out;
    expect_new();
  }
  bucket_->put(kKey, "SSE-S3", kTime + 5000,
               {.headers = {{"x-amz-server-side-encryption", "AES256"}}});
  const Ran managed = sync_deleting();
  EXPECT_TRUE(has(managed.out, "1 by MD5")) << managed.out;
  expect_recovery();
}

TEST_F(Objects, UploadsInPartsAreProvedByThem) {
  struct Case {
    const char* name;
    origin::ObjectOptions options;
    std::uint64_t heads;
    const char* verified;
  };
  using origin::ChecksumAlgorithm;
  using origin::ChecksumType;
  const Case cases[] = {
      {"md5-N", {.part_bytes = 100'000}, 1, "1 by the checksum of their parts"},
      {"composite",
       {.etag = "\"opaque-3\"",
        .checksum = ChecksumAlgorithm::sha256,
        .checksum_type = ChecksumType::composite,
        .part_bytes = 70'000},
       2,
       "1 by the checksum of their parts"},
      {"the whole",
       {.checksum = ChecksumAlgorithm::crc64nvme, .part_bytes = 100'000},
       1,
       "1 by checksum"},
      {"one part", {.part_bytes = 1 << 20}, 0, "1 by the checksum of their parts"},
      {"encrypted",
       {.part_bytes = 100'000, .headers = {{"x-amz-server-side-encryption", "aws:kms"}}},
       0,
       "1 by length only"},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.name);
    for (const Size size : {Size::small, Size::large}) {
      if (size == Size::small)
        bucket_->put(kKey, "small", kTime + 5000, row.options);
      else
        bucket_->put_generated(kKey, kLargeBytes, 7, kTime + 5000, row.options);
      server_->clear_requests();
      const Ran ran = sync_deleting();
      EXPECT_EQ(ran.status, 0) << ran.err;
      EXPECT_TRUE(has(ran.out, row.verified)) << ran.out;
      if (size == Size::large) {
        EXPECT_EQ(requests(Operation::head), row.heads);
      }
      expect_new();
    }
    expect_recovery();
  }
  // Proof enough for strict, too.
  bucket_->put_generated(kKey, kLargeBytes, 8, kTime + 5000, {.part_bytes = 100'000});
  EXPECT_EQ(sync_deleting({"--verify", "strict"}).status, 0);
  expect_new();
}

TEST_F(Objects, StrictTakesWhatIsProvedAndKeepsTheOldOfTheRest) {
  bucket_->put("dir/k1", "proved", kTime + 5000);
  bucket_->put("dir/k2", "summed", kTime + 5000,
               {.etag = "\"opaque\"", .checksum = origin::ChecksumAlgorithm::sha256});
  bucket_->put("dir/k3", "unproved", kTime + 5000, {.etag = "\"opaque\""});
  for (int pass = 0; pass < 2; ++pass) {
    expect(sync_deleting({"--verify", "strict"}), 1, "dir/k3");
    EXPECT_EQ(local().at("dir/k1"), "proved");
    EXPECT_EQ(local().at("dir/k2"), "summed");
    EXPECT_EQ(local().at("dir/k3"), "content of dir/k3");
  }
}

TEST_F(Objects, NeverFollowALocation) {
  for (const int status : {301, 302, 303, 307, 308}) {
    change(Size::small, Evidence::md5);
    server_->set_faults(
        {rule(Operation::get,
              faults::status(status, "TemporaryRedirect", "", {{"Location", trap_url()}}), kKey)});
    expect(sync_deleting(), 1, kKey);
    EXPECT_EQ(local().at(kKey), "content of dir/k4") << status;
  }
  expect_recovery();
}

TEST_F(Objects, DuringAStallSignalsAndKillsLeaveTheOldFile) {
  for (const int number : {SIGTERM, SIGINT, SIGKILL}) {
    SCOPED_TRACE(number);
    const std::string old_content = local().at(kKey);
    bucket_->put_generated(kKey, kLargeBytes, static_cast<std::uint64_t>(number), kTime + 5000);
    server_->clear_requests();
    server_->set_faults({rule(Operation::get, faults::stall(10'000), kKey)});
    Program program(options(sync_words()));
    ASSERT_TRUE(wait_for_requests(Operation::get, 5)) << program.err();
    program.signal(number);
    EXPECT_EQ(program.wait(60s), 128 + number) << program.err();
    EXPECT_EQ(local().size(), kAllLeft);
    EXPECT_EQ(local().at(kKey), old_content);
    expect_recovery();
  }
}

TEST_F(Objects, ThrottlingIsWaitedOutAndRetryAfterNotTakenToExtremes) {
  change(Size::small, Evidence::md5);
  for (const char* silly :
       {"-1", "soon", "99999999999999999999", "Thu, 01 Jan 1970 00:00:00 GMT"}) {
    origin::Rule throttled =
        rule(Operation::get, faults::status(503, "SlowDown", "", {{"Retry-After", silly}}), kKey);
    throttled.match.to = 1;
    // A number that is none, or a time that has gone, makes nobody wait.
    change(Size::small, Evidence::md5);
    server_->set_faults({throttled});
    EXPECT_EQ(sync_deleting().status, 0) << silly;
  }
  expect_recovery();
}

}  // namespace
}  // namespace sluice::testing

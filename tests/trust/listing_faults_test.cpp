// Every way in which a listing has been seen to lie, and what must come of it: with `--delete`, one
// key of ten being gone from the bucket, and a listing of three pages.
#include "origin/listing.hpp"
#include "trust_fixture.hpp"

#include <csignal>
#include <iterator>

namespace sluice::testing {
namespace {

using faults::TokenFault;

constexpr const char* kGone = "dir/k8";
/// All keys but the one that is gone.
const std::vector<std::string> kThere = {"dir/k0", "dir/k1", "dir/k2", "dir/k3", "dir/k4",
                                         "dir/k5", "dir/k6", "dir/k7", "dir/k9"};

struct ListingFault {
  const char* name;
  std::uint64_t page;    ///< from this request on the fault is there
  origin::Action fault;  ///< on every such answer
  int status;
  const char* says;
  std::size_t left = kAllLeft;
};
void PrintTo(const ListingFault& row, std::ostream* out) {
  *out << row.name;
}

std::string error_document(const char* code) {
  return std::string("<?xml version=\"1.0\"?><Error><Code>") + code + "</Code></Error>";
}

const char* const kPortal =
    "<html xmlns=\"http://www.w3.org/1999/xhtml\"><body>Log in to the network</body></html>";
const char* const kOtherService =
    "<?xml version=\"1.0\"?><ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>";

/// An empty page, and a token that leads to the next one.
void answer_emptily(origin::Exchange& e) {
  origin::ListPage page;
  page.bucket = "photos";
  page.is_truncated = true;
  page.next_token = "token-" + e.request_id;
  e.answer.response.status = 200;
  e.answer.page = std::move(page);
  e.answer.response.body = nullptr;
}

const ListingFault kListingFaults[] = {
    // An answer that says no.
    {"Answers500ForEver", 2, faults::status(500, "InternalError"), 5, "InternalError"},
    {"Answers503ForEver", 2, faults::status(503), 5, "503"},
    {"Answers403", 2, faults::status(403, "AccessDenied"), 4, "s3:ListBucket"},
    {"Answers404", 2, faults::status(404, "NoSuchBucket"), 3, "photos"},
    {"ErrorUnder200", 1, faults::body(error_document("InternalError")), 5, "InternalError"},
    {"SlowDownUnder200", 2, faults::body(error_document("SlowDown")), 5, "SlowDown"},
    {"Answers206", 2, faults::call([](origin::Exchange& e) { e.answer.response.status = 206; }), 5,
     "206"},
    {"Answers304", 2, faults::status(304), 5, "304"},
    {"Answers204", 2, faults::status(204), 5, "204"},
    // An answer that is none.
    {"CutInHalf", 2, faults::list_cut(700), 5, "no valid listing"},
    {"CutByTheConnection", 2, faults::cut(700), 5, "closed the connection after 700"},
    {"ResetByTheConnection", 2, faults::reset(700), 5, "after 700 bytes"},
    {"EmptyBody", 1, faults::body(""), 5, "it is empty"},
    {"EmptyBodyOfPage2", 2, faults::body(""), 5, "it is empty"},
    {"CaptivePortal", 1, faults::body(kPortal, 200, "text/html"), 5, "html"},
    {"CaptivePortalAsXml", 2, faults::body(kPortal), 5, "html"},
    {"OtherService", 1, faults::body(kOtherService), 5, "ListAllMyBucketsResult"},
    {"Json", 1, faults::body("{\"Contents\": []}", 200, "application/json"), 5,
     "exactly one XML element"},
    {"NoHttp", 2, faults::garbage("SSH-2.0-OpenSSH_9.2\r\n"), 5, "is not HTTP/1"},
    {"TlsAlert", 1, faults::garbage(std::string("\x15\x03\x03\x00\x02\x02\x28", 7)), 5,
     "is not HTTP/1"},
    {"LengthTooLong", 2, faults::content_length(10), 5, "closed the connection"},
    {"LengthTooShort", 2, faults::content_length(-10), 5, "no valid listing"},
    {"TwoLengths", 2, faults::set_header("Content-Length", "7"), 5, "two Content-Length"},
    {"ChunkedAndCut", 2, faults::chunked_cut(700), 5, "before the end of it"},
    {"Compressed", 2, faults::set_header("Transfer-Encoding", "gzip, chunked"), 5, "unclear"},
    // An answer to something else.
    {"NameOfAnotherBucket", 2, faults::list_replace("<Name>photos</Name>", "<Name>videos</Name>"),
     5, "videos"},
    {"AnotherPrefix", 2, faults::list_prefix("other/"), 5, "other/"},
    // A page that cannot be trusted.
    {"Doctype", 2,
     faults::list_replace("<ListBucketResult", "<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult"),
     5, "exactly one XML element"},
    {"TrailingBytes", 3, faults::list_replace("</ListBucketResult>", "</ListBucketResult>junk"), 5,
     "exactly one XML element"},
    {"SecondRoot", 3,
     faults::list_replace("</ListBucketResult>", "</ListBucketResult><ListBucketResult/>"), 5,
     "exactly one XML element"},
    {"NoIsTruncated", 3, faults::list_token(TokenFault::drop_is_truncated), 5, "IsTruncated"},
    {"IsTruncatedJunk", 3, faults::list_replace("<IsTruncated>false<", "<IsTruncated>perhaps<"), 5,
     "IsTruncated"},
    {"NoToken", 1, faults::list_token(TokenFault::missing), 5, "NextContinuationToken"},
    {"EmptyToken", 1, faults::call([](origin::Exchange& e) { e.answer.page->next_token = ""; }), 5,
     "NextContinuationToken"},
    {"SameTokenForEver", 2, faults::list_token(TokenFault::repeat), 5, "token"},
    {"TokenThatTheServerForgot", 1, faults::list_token(TokenFault::junk), 5, "InvalidArgument"},
    {"ObjectWithoutASize", 2, faults::list_replace("<Size>", "<Sighs>"), 5, "no valid listing"},
    {"SizeThatIsNone", 2, faults::list_replace("<Size>", "<Size>-"), 5, "the size of key dir/k3"},
    {"EndlessAndEmpty", 1, faults::call(answer_emptily), 5, "pages brought no key"},
    {"KeyThatIsTooLong", 2, faults::list_replace("<Key>", "<Key>" + std::string(1100, 'k')), 5,
     "1024 bytes"},
    {"TooManyKeys", 2, faults::call([](origin::Exchange& e) {
       auto& objects = e.answer.page->objects;
       const auto like = objects.front();
       for (int i = 0; i < 10'001; ++i)
         objects.push_back(like);
     }),
     5, "10,000"},
    // The truth, looking odd: the one key goes.
    {"FirstPageEmpty", 0, {}, 0, "", kAllLeft - 1},
    {"KeysTwice", 1, faults::list_duplicate(), 7, "byte order"},
    {"NotEncoded", 1, faults::list_ignore_encoding(), 0, "", kAllLeft - 1},
    {"Chunked", 1, faults::chunked(), 0, "", kAllLeft - 1},
    {"UntilTheConnectionEnds", 1, faults::no_content_length(), 5, "has no length"},
    {"KeepAliveEndsWithoutNotice", 1, faults::close_after_answer(), 0, "", kAllLeft - 1},
    {"InterimAnswers", 1, faults::informational(3), 0, "", kAllLeft - 1},
    // The truth, but not in byte order: mirrored, and nothing is proved absent.
    {"PagesShuffled", 1, faults::list_shuffle(), 7, "byte order"},
};

class ListingFaults : public Trust, public ::testing::WithParamInterface<ListingFault> {};

std::string row_name(const ::testing::TestParamInfo<ListingFault>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Rows, ListingFaults, ::testing::ValuesIn(kListingFaults), row_name);

TEST_P(ListingFaults, DeleteNothingThatIsNotProvedGone) {
  const ListingFault& row = GetParam();
  bucket_->remove(kGone);
  origin::Rule lie = rule(Operation::list, row.fault);
  lie.match.from = row.page;
  server_->set_faults({lie});
  const Ran ran = sync_deleting();
  expect(ran, row.status, row.says);
  if (row.status != 0) {
    EXPECT_TRUE(has(ran.err, "sluice: ")) << "it failed without a word";
  }
  EXPECT_EQ(local().size(), row.left);
  EXPECT_EQ(local().contains(kGone), row.left == kAllLeft);
  expect_staging_empty();
  expect_recovery();
}

// --- rows that take more than one answer ---

class Listings : public Trust {};

TEST_F(Listings, PagesOutOfOrderAreMirroredAndProveNothing) {
  bucket_->put("dir/k2", "changed", kTime + 1);
  bucket_->remove(kGone);
  // As a directory bucket, or RGW with allow-unordered, may list: 6…9, 3…5, 0…2.
  server_->set_faults(
      {nth(Operation::list, 1, page_of(*bucket_, {kThere.begin() + 6, kThere.end()}, "one")),
       nth(Operation::list, 2, page_of(*bucket_, {kThere.begin() + 3, kThere.begin() + 6}, "two")),
       nth(Operation::list, 3, page_of(*bucket_, {kThere.begin(), kThere.begin() + 3}, ""))});
  expect(sync_deleting(), 7, "does not list in byte order");
  EXPECT_EQ(local().size(), kAllLeft);
  EXPECT_EQ(local().at("dir/k2"), "changed") << "what it lists is mirrored all the same";
  expect_recovery();
}

TEST_F(Listings, Utf16OrderIsNoByteOrder) {
  // U+FFFD comes after U+1F600 in UTF-16, before it in UTF-8.
  bucket_->put("dir/\xef\xbf\xbd", "replacement", kTime);
  bucket_->put("dir/\xf0\x9f\x98\x80", "grin", kTime);
  std::vector<std::string> keys = kThere;
  keys.push_back("dir/\xf0\x9f\x98\x80");
  keys.push_back("dir/\xef\xbf\xbd");
  bucket_->remove(kGone);
  server_->set_faults({rule(Operation::list, page_of(*bucket_, keys, ""))});
  expect(sync_deleting(), 7, "byte order");
  EXPECT_EQ(local().size(), kAllLeft + 2);
  EXPECT_EQ(local().at("dir/\xef\xbf\xbd"), "replacement");
  expect_recovery();
}

TEST_F(Listings, AnEmptyPageIsNoEnd) {
  bucket_->remove(kGone);
  server_->set_faults({nth(Operation::list, 1, page_of(*bucket_, {}, "one")),
                       nth(Operation::list, 2, page_of(*bucket_, kThere, "two")),
                       nth(Operation::list, 3, page_of(*bucket_, {}, ""))});
  EXPECT_EQ(sync_deleting().status, 0);
  EXPECT_EQ(local().size(), kAllLeft - 1);
  expect_recovery();
}

TEST_F(Listings, AnEmptyListingNeedsToBeAllowed) {
  const auto nothing = rule(Operation::list, page_of(*bucket_, {}, ""));
  server_->set_faults({nothing});
  expect(sync_deleting(), 7, "--allow-empty-source");
  EXPECT_EQ(local().size(), kAllLeft);
  // Allowed, but the keys are there when they are asked for: still nothing goes.
  expect(sync_deleting({"--allow-empty-source"}), 1, "the server still has it");
  EXPECT_EQ(local().size(), kAllLeft);
  expect_recovery();
  for (const std::string& key : bucket_->keys())
    bucket_->remove(key);
  EXPECT_EQ(sync_deleting({"--allow-empty-source"}).status, 0);
  EXPECT_EQ(local(), (Tree{{"mine", "not from the bucket"}}));
  EXPECT_FALSE(fs::exists(file("dir"))) << "a folder that we made is pruned";
}

TEST_F(Listings, AKeyThatAListingLeavesOutIsAskedForBeforeItsFileGoes) {
  server_->set_faults({rule(Operation::list, faults::list_drop("dir/k3"))});
  expect(sync_deleting(), 1, "the server still has it");
  EXPECT_EQ(local().size(), kAllLeft);
  expect_recovery();
}

TEST_F(Listings, AnAnswerThatCannotTellDeletesNothing) {
  struct Case {
    const char* name;
    origin::Action answer;
  };
  bucket_->remove(kGone);
  for (const Case& row :
       {Case{"403", faults::status(403, "AccessDenied")},
        Case{"404 without a code", faults::status(404)},
        Case{"404 of a portal", faults::body("<html/>", 404, "text/html")},
        Case{"404 NoSuchBucket", faults::status(404, "NoSuchBucket")},
        Case{"500", faults::status(500, "InternalError")}, Case{"200", faults::body("", 200)}}) {
    server_->set_faults({rule(Operation::get, row.answer)});
    const Ran ran = sync_deleting();
    EXPECT_NE(ran.status, 0) << row.name;
    EXPECT_NE(ran.err, "") << row.name;
    EXPECT_TRUE(local().contains(kGone)) << row.name << ran.out;
  }
  expect_recovery();
}

TEST_F(Listings, OneTryMoreIsEnoughForWhatPasses) {
  bucket_->remove(kGone);
  server_->set_faults({nth(Operation::list, 1, faults::status(503, "SlowDown")),
                       nth(Operation::list, 3, faults::body("")),
                       nth(Operation::list, 5, faults::list_cut(300))});
  EXPECT_EQ(sync_deleting().status, 0);
  EXPECT_EQ(local().size(), kAllLeft - 1);
  expect_recovery();
}

TEST_F(Listings, ASignalDuringAStallDeletesNothing) {
  for (const int number : {SIGTERM, SIGINT}) {
    SCOPED_TRACE(number);
    bucket_->remove(kGone);
    server_->clear_requests();
    server_->set_faults({nth(Operation::list, 2, faults::stall(300))});
    Program program(options(sync_words()));
    ASSERT_TRUE(wait_for_requests(Operation::list, 2)) << program.err();
    program.signal(number);
    EXPECT_EQ(program.wait(60s), 128 + number) << program.err();
    EXPECT_EQ(local().size(), kAllLeft);
    expect_recovery();
    bucket_->put(kGone, "again", kTime);
    ASSERT_EQ(sync_deleting().status, 0);
  }
}

TEST_F(Listings, NeverFollowALocation) {
  for (const int status : {301, 302, 303, 307, 308}) {
    server_->set_faults({rule(Operation::list, faults::status(status, "TemporaryRedirect", "",
                                                              {{"Location", trap_url()}}))});
    const Ran ran = sync_deleting();
    EXPECT_NE(ran.status, 0) << status;
    EXPECT_NE(ran.err, "") << status;
    EXPECT_EQ(local().size(), kAllLeft) << status;
  }
  // Nor a region that would lead to another host.
  const std::string host = trap_->url().substr(7);
  server_->set_faults(
      {rule(Operation::list, faults::status(400, "AuthorizationHeaderMalformed", "",
                                            {{"x-amz-bucket-region", host + "/"}}))});
  EXPECT_NE(sync_deleting().status, 0);
  expect_recovery();
}

TEST_F(Listings, KeysOutsideThePrefixAreRefused) {
  const std::string of_folder = work_ / "folder";
  Words words = {"sync", "s3://photos/dir", of_folder, "--delete", "--max-attempts", "2"};
  ASSERT_EQ(run(words).status, 0);
  ASSERT_EQ(tree_of(of_folder).size(), kMirrored);
  server_->set_faults(
      {rule(Operation::list, faults::list_replace("<Key>dir/k3", "<Key>../k3"), "dir/")});
  expect(run(words), 5, "prefix");
  EXPECT_EQ(tree_of(of_folder).size(), kMirrored);
  fs::remove_all(of_folder);
}

}  // namespace
}  // namespace sluice::testing

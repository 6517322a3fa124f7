// The same as listing_faults_test, of servers that know only version 1 of ListObjects: there the
// next page is asked for by a key, and a server that ignores it would be listed for ever.
#include "origin/listing.hpp"
#include "trust_fixture.hpp"

#include <algorithm>
#include <tuple>

namespace sluice::testing {
namespace {

using faults::TokenFault;

constexpr const char* kGone = "dir/k8";

struct ListingFault {
  const char* name;
  std::uint64_t page;    ///< of the listing; from there on the fault is there
  origin::Action fault;  ///< on every such answer
  int status;
  const char* says;
  std::size_t left = kAllLeft;
};
void PrintTo(const ListingFault& row, std::ostream* out) {
  *out << row.name;
}

/// A change of the page before it is written.
origin::Action on_page(void (*change)(origin::ListPage&)) {
  return faults::call([change](origin::Exchange& e) {
    if (e.answer.page) change(*e.answer.page);
  });
}

const ListingFault kListingFaults[] = {
    {"Answers500ForEver", 2, faults::status(500, "InternalError"), 5, "InternalError"},
    {"Answers501InTheMiddle", 2, faults::status(501, "NotImplemented"), 5, "NotImplemented"},
    {"Answers403", 2, faults::status(403, "AccessDenied"), 4, "s3:ListBucket"},
    {"Answers404", 2, faults::status(404, "NoSuchBucket"), 3, "photos"},
    {"EmptyBody", 2, faults::body(""), 5, "it is empty"},
    {"CaptivePortal", 2, faults::body("<html/>", 200, "text/html"), 5, "html"},
    {"CutInHalf", 2, faults::list_cut(700), 5, "no valid listing"},
    {"CutByTheConnection", 2, faults::cut(700), 5, "closed the connection after 700"},
    {"NameOfAnotherBucket", 2, faults::list_replace("<Name>photos</Name>", "<Name>videos</Name>"),
     5, "videos"},
    {"NoIsTruncated", 3, faults::list_token(TokenFault::drop_is_truncated), 5, "IsTruncated"},
    {"MoreButNoKey", 2, on_page([](origin::ListPage& page) {
       page.objects.clear();
       page.is_truncated = true;
     }),
     5, "neither a NextMarker nor a key"},
    {"MarkerIgnored", 2, on_page([](origin::ListPage& page) {
       for (std::size_t i = 0; i < page.objects.size(); ++i)
         page.objects[i].key = "dir/k" + std::to_string(i);
       page.is_truncated = true;
     }),
     5, "would never end"},
    {"SameNextMarkerForEver", 1, on_page([](origin::ListPage& page) {
       page.next_marker = "dir/k2";
       page.is_truncated = true;
     }),
     5, "would never end"},
    {"MarkersInACircle", 1, on_page([](origin::ListPage& page) {
       page.next_marker = page.marker == "dir/k1" ? "dir/k2" : "dir/k1";
       page.is_truncated = true;
     }),
     5, "came again"},
    {"KeysTwice", 1, faults::list_duplicate(), 7, "byte order"},
    {"LastPageBackwards", 3, on_page([](origin::ListPage& page) {
       std::reverse(page.objects.begin(), page.objects.end());
     }),
     7, "byte order"},
    // The truth, looking odd: the one key goes.
    {"Nothing", 1, on_page([](origin::ListPage&) {}), 0, "", kAllLeft - 1},
    {"NotEncoded", 1, faults::list_ignore_encoding(), 0, "", kAllLeft - 1},
    {"NextMarkerWithoutADelimiter", 1, on_page([](origin::ListPage& page) {
       if (page.is_truncated.value_or(false)) page.next_marker = page.objects.back().key;
     }),
     0, "", kAllLeft - 1},
    {"Chunked", 1, faults::chunked(), 0, "", kAllLeft - 1},
};

class Version1 : public Trust {
 protected:
  void serve_version_1(origin::Lists lists) {
    ServerOptions options = with_credentials();
    options.credentials[0].session_token = kSessionToken;
    options.page_size = 3;
    options.lists = lists;
    serve(std::move(options));
  }
};

using Row = std::tuple<ListingFault, origin::Lists>;
class Version1Faults : public Version1, public ::testing::WithParamInterface<Row> {};

std::string row_name(const ::testing::TestParamInfo<Row>& info) {
  const bool refuses = std::get<1>(info.param) == origin::Lists::version_1;
  return std::string(std::get<0>(info.param).name) +
         (refuses ? "" : "OfAServerThatIgnoresVersion2");
}
INSTANTIATE_TEST_SUITE_P(Rows, Version1Faults,
                         ::testing::Combine(::testing::ValuesIn(kListingFaults),
                                            ::testing::Values(origin::Lists::version_1,
                                                              origin::Lists::version_1_whatever)),
                         row_name);

TEST_P(Version1Faults, DeleteNothingThatIsNotProvedGone) {
  const ListingFault& row = std::get<0>(GetParam());
  serve_version_1(std::get<1>(GetParam()));
  bucket_->remove(kGone);
  origin::Rule lie = rule(Operation::list, row.fault);
  lie.match.from = row.page + 1;  // the first request is of version 2, and only shows that
  server_->set_faults({lie});
  const Ran ran = sync_deleting();
  expect(ran, row.status, row.says);
  EXPECT_TRUE(has(ran.err, "version 1 is used instead")) << ran.err;
  EXPECT_EQ(local().size(), row.left);
  EXPECT_EQ(local().contains(kGone), row.left == kAllLeft);
  expect_staging_empty();
  // No listing takes long to be seen through.
  EXPECT_LT(requests(Operation::list), 20U);
  expect_recovery({"--list-version", "1"});
}

TEST_F(Version1, IsListedInSectionsToo) {
  serve_version_1(origin::Lists::version_1);
  for (int i = 0; i < 300; ++i)
    bucket_->put("more/" + std::to_string(1000 + i), "x", kTime);
  // The first pass proves the order.
  EXPECT_EQ(sync_deleting().status, 0);
  bucket_->remove("more/1123");
  bucket_->put("more/1124", "new", kTime + 1000);
  EXPECT_EQ(sync_deleting({"--list-concurrency", "8"}).status, 0);
  EXPECT_FALSE(local().contains("more/1123"));
  EXPECT_EQ(local().at("more/1124"), "new");
  expect_recovery();
}

}  // namespace
}  // namespace sluice::testing

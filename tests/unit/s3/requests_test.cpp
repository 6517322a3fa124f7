#include "s3/requests.hpp"

#include "fixed_credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

namespace sluice::s3 {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::shared_ptr<Session> session_for(std::string bucket, std::string endpoint_url = {}) {
  SessionOptions options;
  options.bucket = std::move(bucket);
  options.endpoint_url = std::move(endpoint_url);
  return *Session::make(std::move(options), FixedCredentials::make());
}

std::optional<std::string> header(const Draft& draft, std::string_view name) {
  for (const auto& [key, value] : draft.headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

store::GetRequest get_of(std::string key, std::optional<ByteRange> range = std::nullopt) {
  store::GetRequest request;
  request.key = std::move(key);
  request.range = range;
  request.version.etag = "abc-2";
  request.version.size = 100;
  request.version.modified_ms = 784'111'777'000;
  return request;
}

TEST(ListDraft, FirstPage) {
  store::ListRequest request;
  request.prefix = "a b/";
  request.start_after = "a b/c";
  request.delimiter = "/";
  const Draft draft = list_draft(Place(*session_for("bkt", "http://localhost:9000")), request);
  EXPECT_EQ(draft.kind, RequestKind::list);
  EXPECT_EQ(draft.method, http::Method::get);
  EXPECT_EQ(draft.path, "/bkt");
  EXPECT_THAT(draft.query,
              UnorderedElementsAre(Pair("list-type", "2"), Pair("encoding-type", "url"),
                                   Pair("max-keys", "1000"), Pair("prefix", "a b/"),
                                   Pair("delimiter", "/"), Pair("start-after", "a b/c")));
  EXPECT_THAT(draft.headers, UnorderedElementsAre(Pair("host", "localhost:9000")));
  EXPECT_EQ(draft.features, std::vector<Feature>{Feature::list_v2});
}

TEST(ListDraft, FurtherPagesGoByTheToken) {
  store::ListRequest request;
  request.start_after = "x";
  request.token = "t+/=";
  request.max_keys = 5000;
  const Draft draft = list_draft(Place(*session_for("bkt", "http://localhost")), request);
  EXPECT_THAT(draft.query,
              UnorderedElementsAre(Pair("list-type", "2"), Pair("encoding-type", "url"),
                                   Pair("max-keys", "1000"), Pair("continuation-token", "t+/=")));
  EXPECT_THAT(draft.features, IsEmpty()) << "a token means nothing in version 1";
}

TEST(ListDraft, RestoreStatusOnlyOfAws) {
  const Draft draft = list_draft(Place(*session_for("bkt")), {});
  EXPECT_EQ(draft.path, "/");
  EXPECT_EQ(header(draft, "host"), "bkt.s3.us-east-1.amazonaws.com");
  EXPECT_EQ(header(draft, "x-amz-optional-object-attributes"), "RestoreStatus");
  EXPECT_EQ(draft.features, std::vector<Feature>{Feature::optional_attributes});

  const auto session = session_for("bkt");
  session->switch_off(Feature::optional_attributes);
  EXPECT_FALSE(header(list_draft(Place(*session), {}), "x-amz-optional-object-attributes"));
}

TEST(ObjectDraft, PathsHoldTheKeyAsItIs) {
  const Place path_style(*session_for("bkt", "http://localhost/base%20path"));
  EXPECT_EQ(get_draft(path_style, get_of("a/../b//c d")).path, "/base path/bkt/a/../b//c d");
  EXPECT_EQ(list_draft(path_style, {}).path, "/base path/bkt");
  const Place virtual_host(*session_for("bkt"));
  EXPECT_EQ(get_draft(virtual_host, get_of("/k")).path, "//k");
}

TEST(GetDraft, WholeObject) {
  store::GetRequest request = get_of("k");
  request.want_checksum = true;
  const Draft draft = get_draft(Place(*session_for("bkt", "http://h")), request);
  EXPECT_EQ(draft.kind, RequestKind::get);
  EXPECT_FALSE(header(draft, "range"));
  EXPECT_EQ(header(draft, "if-match"), "\"abc-2\"");
  EXPECT_FALSE(header(draft, "if-unmodified-since"));
  EXPECT_EQ(header(draft, "x-amz-checksum-mode"), "ENABLED");
  EXPECT_EQ(draft.features, (std::vector<Feature>{Feature::checksum_mode, Feature::if_match}));
}

TEST(GetDraft, Range) {
  store::GetRequest request = get_of("k", ByteRange::make(10, 20));
  request.want_checksum = true;
  const Draft draft = get_draft(Place(*session_for("bkt", "http://h")), request);
  EXPECT_EQ(header(draft, "range"), "bytes=10-29");
  EXPECT_EQ(header(draft, "if-match"), "\"abc-2\"");
  EXPECT_FALSE(header(draft, "x-amz-checksum-mode")) << "a part has no whole-object checksum";
}

TEST(GetDraft, PinnedByTimeWithoutAnEtag) {
  store::GetRequest request = get_of("k");
  request.version.etag.clear();
  const Place place(*session_for("bkt", "http://h"));
  EXPECT_EQ(header(get_draft(place, request), "if-unmodified-since"),
            "Sun, 06 Nov 1994 08:49:37 GMT");
  request.version.modified_ms += 1;
  EXPECT_EQ(header(get_draft(place, request), "if-unmodified-since"),
            "Sun, 06 Nov 1994 08:49:38 GMT");
  request.version.modified_ms = 0;
  EXPECT_FALSE(header(get_draft(place, request), "if-unmodified-since"));
  EXPECT_FALSE(header(get_draft(place, request), "if-match"));
}

TEST(GetDraft, WithoutFeatures) {
  store::GetRequest request = get_of("k");
  request.want_checksum = true;
  Place place(*session_for("bkt", "http://h"));
  place.leave_out_features();
  const Draft draft = get_draft(place, request);
  EXPECT_THAT(draft.headers, UnorderedElementsAre(Pair("host", "h")));
  EXPECT_THAT(draft.features, IsEmpty());
}

TEST(HeadAndProbeDrafts, Forms) {
  const Place place(*session_for("bkt", "http://h"));
  store::HeadRequest request;
  request.key = "k";
  const Draft head = head_draft(place, request);
  EXPECT_EQ(head.method, http::Method::head);
  EXPECT_EQ(head.kind, RequestKind::head);
  EXPECT_FALSE(header(head, "x-amz-checksum-mode"));
  request.want_checksum = true;
  EXPECT_EQ(header(head_draft(place, request), "x-amz-checksum-mode"), "ENABLED");
  EXPECT_TRUE(head_draft(place, request).query.empty());
  request.part = 3;
  const std::vector<std::pair<std::string, std::string>> part = {{"partNumber", "3"}};
  EXPECT_EQ(head_draft(place, request).query, part);

  const Draft probe = probe_draft(place, "k");
  EXPECT_EQ(probe.method, http::Method::get);
  EXPECT_EQ(probe.kind, RequestKind::probe);
  EXPECT_EQ(header(probe, "range"), "bytes=0-0");
  EXPECT_FALSE(header(probe, "if-match"));

  const Draft bucket = bucket_draft(place);
  EXPECT_EQ(bucket.method, http::Method::head);
  EXPECT_EQ(bucket.path, "/bkt");
  EXPECT_EQ(bucket.kind, RequestKind::probe);
}

TEST(Drafts, RequestPayer) {
  SessionOptions options;
  options.bucket = "bkt";
  options.request_payer = true;
  const auto session = *Session::make(options, FixedCredentials::make());
  EXPECT_EQ(header(list_draft(Place(*session), {}), "x-amz-request-payer"), "requester");
  EXPECT_EQ(header(probe_draft(Place(*session), "k"), "x-amz-request-payer"), "requester");
}

}  // namespace
}  // namespace sluice::s3

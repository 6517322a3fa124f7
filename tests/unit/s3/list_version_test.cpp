// Servers that know only version 1 of ListObjects: how they are found out, and how they are asked.

#include "../async/both_runtimes.hpp"
#include "s3/list_page.hpp"
#include "s3/requests.hpp"
#include "scripted_http.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::s3 {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string key_only(std::string_view key) {
  return "<Contents><Key>" + std::string(key) + "</Key><Size>3</Size></Contents>";
}

std::string page_of(std::string_view members) {
  return "<ListBucketResult><Name>bkt</Name><Prefix></Prefix>" + std::string(members) +
         "</ListBucketResult>";
}

const std::string kMore = "<IsTruncated>true</IsTruncated>";
const std::string kEnd = "<IsTruncated>false</IsTruncated>";
const std::string kUrl = "<EncodingType>url</EncodingType>";

ListExpectation in_version(ListVersion version, std::string token = {}) {
  ListExpectation expected;
  expected.bucket = "bkt";
  expected.version = version;
  expected.token = std::move(token);
  return expected;
}

Result<ListPage> parse(const std::string& members, const ListExpectation& expected) {
  const std::string document = page_of(members);
  return parse_list_page({document.begin(), document.end()}, expected);
}

TEST(Version1Page, EndsWithTheKeyToGoOnAfter) {
  struct Row {
    std::string members;
    std::string next;
  };
  const Row rows[] = {
      {kEnd + key_only("a"), ""},
      {kEnd, ""},
      {kMore + key_only("a") + key_only("b"), "b"},
      {kMore + "<Marker/>" + key_only("b") + key_only("a"), "a"},
      {kMore + "<NextMarker>c</NextMarker>" + key_only("a"), "c"},
      {kMore + "<NextMarker></NextMarker>" + key_only("a"), "a"},
      {kMore + "<NextMarker>c</NextMarker>", "c"},
      {kMore + key_only("a") + "<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>", "b/"},
      {kMore + key_only("c") + "<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>", "c"},
      {kUrl + kMore + key_only("a+b%2Fc"), "a b/c"},
      {kUrl + kMore + "<NextMarker>x%2By</NextMarker>" + key_only("a"), "x+y"},
      {kMore + key_only("100%"), "100%"},
      // What belongs to version 2 means nothing.
      {kMore + "<NextContinuationToken>t</NextContinuationToken><KeyCount>1</KeyCount>" +
           key_only("a"),
       "a"},
  };
  for (const Row& row : rows) {
    const auto page = parse(row.members, in_version(ListVersion::one));
    ASSERT_TRUE(page) << row.members << ": " << page.error().message;
    EXPECT_EQ(page->truncated, !row.next.empty()) << row.members;
    EXPECT_EQ(page->next_token, row.next) << row.members;
  }
}

TEST(Version1Page, IsRefusedIfItLeadsNowhere) {
  struct Row {
    std::string members;
    std::string token;
    std::string start_after;
    std::string prefix;
    std::string why;
  };
  const Row rows[] = {
      {key_only("a"), "", "", "", "IsTruncated"},
      {kMore, "", "", "", "neither a NextMarker nor a key"},
      {kMore + "<NextMarker></NextMarker>", "", "", "", "neither a NextMarker nor a key"},
      {kMore + key_only("a") + key_only("b"), "b", "", "", "would never end"},
      {kMore + key_only("a") + key_only("b"), "", "b", "", "would never end"},
      {kMore + "<NextMarker>b</NextMarker>" + key_only("c"), "b", "", "", "would never end"},
      {kMore + "<NextMarker>b</NextMarker><NextMarker>c</NextMarker>", "", "", "", "twice"},
      {kMore + "<NextMarker><b/></NextMarker>" + key_only("a"), "", "", "", "elements"},
      {kUrl + kMore + "<NextMarker>%zz</NextMarker>" + key_only("a"), "", "", "", "url-encoded"},
      {kMore + "<NextMarker>" + std::string(1025, 'k') + "</NextMarker>" + key_only("a"), "", "",
       "", "1024 bytes"},
      {kMore + "<NextMarker>b</NextMarker>", "", "", "a/", "prefix"},
  };
  for (const Row& row : rows) {
    ListExpectation expected = in_version(ListVersion::one, row.token);
    expected.start_after = row.start_after;
    expected.prefix = row.prefix;
    std::string document = page_of(row.members);
    if (!row.prefix.empty()) document.replace(document.find("<Prefix>") + 8, 0, row.prefix);
    const auto page = parse_list_page({document.begin(), document.end()}, expected);
    ASSERT_FALSE(page) << row.members;
    EXPECT_EQ(page.error().kind, ErrorKind::invalid_answer);
    EXPECT_THAT(page.error().message, HasSubstr(row.why)) << row.members;
    EXPECT_EQ(page.error().code, "");
  }
}

TEST(Version1Page, IsToldWhereVersion2WasAskedFor) {
  struct Row {
    std::string members;
    std::string start_after;
    std::string code;  ///< of the refusal; empty and `fine`: none
    bool fine;
  };
  const std::string marker = "<Marker></Marker>";
  const Row rows[] = {
      {kMore + marker + key_only("a"), "", std::string(kAnsweredInVersion1), false},
      {kMore + marker + "<NextMarker>a</NextMarker>" + key_only("a"), "",
       std::string(kAnsweredInVersion1), false},
      // It ignored start-after, or had nothing to leave out: who knows?
      {kEnd + marker + key_only("a"), "0", std::string(kAnsweredInVersion1), false},
      {kEnd + marker + key_only("a"), "", "", true},
      {kMore + "<KeyCount>1</KeyCount>" + marker + key_only("a"), "", "", false},
      {kMore + key_only("a"), "", "", false},
      {kMore + marker + "<NextContinuationToken>t</NextContinuationToken>" + key_only("a"), "", "",
       true},
  };
  for (const Row& row : rows) {
    ListExpectation expected = in_version(ListVersion::two);
    expected.start_after = row.start_after;
    const auto page = parse(row.members, expected);
    EXPECT_EQ(page.has_value(), row.fine) << row.members;
    if (page) continue;
    EXPECT_EQ(page.error().kind, ErrorKind::invalid_answer);
    EXPECT_EQ(page.error().code, row.code) << row.members;
  }
}

TEST(Version1Tokens, AreNoneOfVersion2) {
  for (const char* marker : {"a", "", "v1:a"}) {
    EXPECT_EQ(marker_of(token_of_marker(marker)), marker);
    EXPECT_FALSE(marker_of(marker));
  }
}

class ListVersionTest : public async::BothRuntimes {
 protected:
  static Reply page(const std::string& members) {
    Reply reply;
    reply.body = page_of(members);
    return reply;
  }
  static SessionOptions asking(ListVersions versions) {
    SessionOptions options = ScriptedClient::default_options();
    options.list_versions = versions;
    return options;
  }
  static bool is_two(const SentRequest& sent) {
    return sent.request.target.find("list-type=2") != std::string::npos;
  }

  /// One after the other, in one run.
  std::vector<Result<ListPage>> list(ScriptedClient& client,
                                     const std::vector<store::ListRequest>& requests) {
    std::vector<Result<ListPage>> pages;
    runtime_->run([&]() -> async::Task<void> {
      for (const store::ListRequest& request : requests) {
        Result<ListPage> page = co_await client.store->list(request);
        pages.push_back(std::move(page));
      }
    });
    EXPECT_TRUE(client.script.replies.empty()) << "not all answers were asked for";
    return pages;
  }
  static store::ListRequest going_on(std::string token) {
    store::ListRequest request;
    request.token = std::move(token);
    return request;
  }
  static store::ListRequest after(std::string key) {
    store::ListRequest request;
    request.start_after = std::move(key);
    return request;
  }

  std::unique_ptr<async::Runtime> runtime_ = make_runtime();
};
SLUICE_ON_BOTH_RUNTIMES(ListVersionTest);

TEST_P(ListVersionTest, AServerThatRefusesVersion2IsAskedInVersion1) {
  for (const int status : {501, 405, 400}) {
    SCOPED_TRACE(status);
    runtime_ = make_runtime();
    SessionOptions options = ScriptedClient::default_options();
    std::vector<Feature> off;
    options.on_switch_off = [&off](Feature feature) { off.push_back(feature); };
    ScriptedClient client(*runtime_, options);
    client.script.replies = {error_reply(status, "NotImplemented"), page(kMore + key_only("a b")),
                             page(kEnd + key_only("c")), page(kEnd)};
    // From the second on it is not asked in version 2 again.
    const auto pages = list(client, {{}, going_on(token_of_marker("a b")), after("x")});
    for (const auto& listed : pages)
      ASSERT_TRUE(listed) << listed.error().message;
    EXPECT_EQ(pages[0]->next_token, token_of_marker("a b"));
    EXPECT_TRUE(is_two(client.script.sent.at(0)));
    EXPECT_FALSE(is_two(client.script.sent.at(1)));
    EXPECT_THAT(client.script.sent.at(2).request.target,
                AllOf(HasSubstr("marker=a%20b"), Not(HasSubstr("list-type")),
                      Not(HasSubstr("continuation-token"))));
    EXPECT_THAT(client.script.sent.at(3).request.target,
                AllOf(HasSubstr("marker=x"), Not(HasSubstr("start-after"))));
    EXPECT_EQ(off, std::vector<Feature>{Feature::list_v2}) << "said once";
  }
}

TEST_P(ListVersionTest, AServerThatIgnoresVersion2IsAskedInVersion1) {
  ScriptedClient client(*runtime_);
  store::ListRequest request;
  request.start_after = "m";
  client.script.replies = {page(kEnd + "<Marker/>" + key_only("a") + key_only("n")),
                           page(kEnd + "<Marker>m</Marker>" + key_only("n"))};
  const auto listed = client.list(request);
  ASSERT_TRUE(listed) << listed.error().message;
  ASSERT_EQ(listed->objects.size(), 1U);
  EXPECT_EQ(listed->objects[0].key, "n");
  EXPECT_FALSE(client.session->uses(Feature::list_v2));
  EXPECT_THAT(client.script.sent.at(1).request.target, HasSubstr("marker=m"));
}

TEST_P(ListVersionTest, AListingGoesOnInTheVersionInWhichItWasBegun) {
  ScriptedClient client(*runtime_);
  client.session->switch_off(Feature::list_v2);  // by another listing meanwhile
  // In the middle of one there is nothing to fall back to.
  client.script.replies = {page(kEnd), error_reply(501, "NotImplemented"),
                           page(kMore + "<Marker/>" + key_only("a"))};
  const auto pages = list(client, {going_on("t2"), going_on("t2"), going_on("t2")});
  ASSERT_TRUE(pages[0]);
  EXPECT_EQ(pages[1].error().kind, ErrorKind::unsupported);
  EXPECT_EQ(pages[2].error().kind, ErrorKind::invalid_answer);
  for (const SentRequest& sent : client.script.sent) {
    EXPECT_THAT(sent.request.target, HasSubstr("continuation-token=t2"));
    EXPECT_TRUE(is_two(sent));
  }
}

TEST_P(ListVersionTest, AFailureThatIsNotTheVersionsFaultChangesNothing) {
  ScriptedClient client(*runtime_);
  client.script.replies = {error_reply(501, "NotImplemented"), error_reply(501, "NotImplemented"),
                           page(kMore + key_only("a"))};
  const auto pages = list(client, {{}, {}});
  EXPECT_EQ(pages[0].error().kind, ErrorKind::unsupported);
  ASSERT_FALSE(pages[1]);
  EXPECT_THAT(pages[1].error().message, HasSubstr("NextContinuationToken"));
  EXPECT_TRUE(client.session->uses(Feature::list_v2));
}

TEST_P(ListVersionTest, TheFlagDecides) {
  ScriptedClient one(*runtime_, asking(ListVersions::only_1));
  one.script.replies = {page(kEnd)};
  ASSERT_TRUE(one.list());
  EXPECT_FALSE(is_two(one.script.sent.at(0)));

  runtime_ = make_runtime();
  ScriptedClient two(*runtime_, asking(ListVersions::only_2));
  two.script.replies = {error_reply(501, "NotImplemented"),
                        page(kMore + "<Marker/>" + key_only("a"))};
  for (const auto& listed : list(two, {{}, {}}))
    EXPECT_FALSE(listed);
}

TEST_P(ListVersionTest, AwsKnowsVersion2) {
  ScriptedClient client(*runtime_, ScriptedClient::aws_options());
  client.script.replies = {page(kMore + "<Marker/>" + key_only("a"))};
  const auto listed = client.list();
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().kind, ErrorKind::invalid_answer);
  EXPECT_TRUE(client.session->uses(Feature::list_v2));
}

}  // namespace
}  // namespace sluice::s3

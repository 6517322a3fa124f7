#include "fixture.hpp"

namespace sluice::origin {
namespace {

using faults::TokenFault;
using testing::HasSubstr;
using testing::Not;

class ListFaultTest : public test::WithServer {
 protected:
  ListFaultTest() {
    options.page_size = 3;
    for (const char* const key : {"a", "b c", "d", "e", "f"})
      bucket->put(key, key);
  }
  std::string list(const std::string& more = "") {
    const test::Reply reply = client().get("/b?list-type=2&encoding-type=url" + more);
    EXPECT_TRUE(reply.complete);
    return reply.body;
  }
};

TEST_F(ListFaultTest, Tokens) {
  fault(faults::list_token(TokenFault::missing));
  EXPECT_THAT(list(), HasSubstr("<IsTruncated>true</IsTruncated>"));
  EXPECT_THAT(list(), Not(HasSubstr("NextContinuationToken")));
  fault(faults::list_token(TokenFault::drop_is_truncated));
  EXPECT_THAT(list(), Not(HasSubstr("IsTruncated")));
  fault(faults::list_token(TokenFault::not_truncated));
  EXPECT_THAT(list(), HasSubstr("<IsTruncated>false</IsTruncated>"));
  fault(faults::list_token(TokenFault::junk));
  EXPECT_THAT(list(), HasSubstr("junk +/=&quot;&lt;&amp;&gt;"));
}

TEST_F(ListFaultTest, RepeatedToken) {
  const std::string first = list();
  const std::size_t at = first.find("<NextContinuationToken>") + 23;
  const std::string token = first.substr(at, first.find('<', at) - at);
  std::string encoded;
  for (const char c : token)
    encoded += c == '=' ? "%3D" : c == '+' ? "%2B" : std::string(1, c);
  fault(faults::list_token(TokenFault::repeat));
  const std::string second = client().get("/b?list-type=2&continuation-token=" + encoded).body;
  EXPECT_THAT(second, HasSubstr("<NextContinuationToken>" + token + "</NextContinuationToken>"));
  EXPECT_THAT(second, HasSubstr("<Key>e</Key>"));
}

TEST_F(ListFaultTest, Contents) {
  const std::string good = list();
  fault(faults::list_shuffle());
  EXPECT_THAT(list(), HasSubstr("<Key>d</Key>"));
  fault(faults::list_duplicate());
  const std::string twice = list();
  EXPECT_GT(twice.rfind("<Key>a</Key>"), twice.find("<Key>d</Key>"));
  fault(faults::list_empty());
  EXPECT_THAT(list(), Not(HasSubstr("<Key>")));
  EXPECT_THAT(list(), HasSubstr("<IsTruncated>true</IsTruncated>"));
  fault(faults::list_drop("b*"));
  EXPECT_THAT(list(), Not(HasSubstr("<Key>b")));
  EXPECT_THAT(list(), HasSubstr("<KeyCount>2</KeyCount>"));
  fault(faults::list_ignore_encoding());
  EXPECT_THAT(list(), HasSubstr("<Key>b c</Key>"));
  EXPECT_THAT(list(), Not(HasSubstr("EncodingType")));
  fault(faults::list_prefix("other/"));
  EXPECT_THAT(list(), HasSubstr("<Prefix>other/</Prefix>"));
  fault(faults::list_cut(300));
  EXPECT_EQ(list(), good.substr(0, 300));
  fault(faults::list_replace("<Name>b</Name>", "<Name>another</Name>"));
  EXPECT_THAT(list(), HasSubstr("<Name>another</Name><Prefix>"));
  fault(faults::list_replace("nowhere", "gone"));
  EXPECT_EQ(list(), good);
}

}  // namespace
}  // namespace sluice::origin

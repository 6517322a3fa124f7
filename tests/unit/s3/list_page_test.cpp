#include "s3/list_page.hpp"

#include "base/text.hpp"
#include "vectors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstddef>
#include <iterator>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::s3 {
namespace {

using ::testing::HasSubstr;

ListExpectation expectation(std::string prefix = {}) {
  ListExpectation expected;
  expected.bucket = "bkt";
  expected.prefix = std::move(prefix);
  return expected;
}

Result<ListPage> parse(std::string_view document, const ListExpectation& expected = expectation()) {
  return parse_list_page(std::vector<char>(document.begin(), document.end()), expected);
}

/// A complete page around `members`.
std::string page_with(std::string_view members,
                      std::string_view truncation = "<IsTruncated>false</IsTruncated>") {
  std::string page = "<ListBucketResult><Name>bkt</Name><Prefix/>";
  page += truncation;
  page += members;
  return page + "</ListBucketResult>";
}

std::string object_with(std::string_view members) {
  return "<Contents>" + std::string(members) + "</Contents>";
}

std::string object(std::string_view key) {
  return object_with("<Key>" + std::string(key) +
                     "</Key><LastModified>2024-01-02T03:04:05.678Z</LastModified>"
                     "<ETag>&quot;e&quot;</ETag><Size>3</Size>");
}

std::string hex(std::string_view bytes) {
  return text::hex(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

void expect_refused(std::string_view document, std::string_view why,
                    const ListExpectation& expected = expectation()) {
  const Result<ListPage> page = parse(document, expected);
  ASSERT_FALSE(page) << document;
  EXPECT_EQ(page.error().kind, ErrorKind::invalid_answer);
  EXPECT_THAT(page.error().message, HasSubstr(std::string(why)));
}

// ---- the vectors

class ListVectors : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string path = vectors_file("list-objects-v2/expected.json");
    ASSERT_EQ(parser_.load(path).get(root_), simdjson::SUCCESS) << path;
  }

  static Result<ListPage> parse_case(simdjson::dom::element one) {
    const std::string_view name = one["file"];
    const std::string file(name);
    return parse_list_page(read_bytes(vectors_file("list-objects-v2/" + file)),
                           expectation(std::string(one["requested_prefix"].get_string().value())));
  }

  static void check_good(simdjson::dom::element one, const Result<ListPage>& page) {
    ASSERT_TRUE(page) << page.error().message;
    std::vector<std::string> keys, wanted;
    for (const ListedObject& listed : page->objects)
      keys.push_back(hex(listed.key));
    for (const std::string_view key : one["keys_hex"].get_array())
      wanted.emplace_back(key);
    EXPECT_EQ(keys, wanted);
    EXPECT_EQ(page->truncated, bool(one["truncated"]));
    // A token beside IsTruncated=false is not handed on.
    const bool has_token = page->truncated && !one["next_token"].is_null();
    EXPECT_EQ(page->next_token, has_token ? std::string_view(one["next_token"]) : "");
    simdjson::dom::array prefixes;
    std::vector<std::string_view> wanted_prefixes;
    if (one["common_prefixes"].get(prefixes) == simdjson::SUCCESS) {
      for (const std::string_view prefix : prefixes)
        wanted_prefixes.push_back(prefix);
    }
    EXPECT_EQ(page->common_prefixes, wanted_prefixes);
  }

  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
};

TEST_F(ListVectors, EveryPageGetsItsVerdict) {
  int count = 0;
  for (const simdjson::dom::element one : root_["cases"].get_array()) {
    SCOPED_TRACE(std::string_view(one["name"]));
    const std::string_view verdict = one["verdict"];
    const Result<ListPage> page = parse_case(one);
    ++count;
    if (verdict == "ok") {
      check_good(one, page);
    } else if (verdict == "reject") {
      ASSERT_FALSE(page);
      EXPECT_EQ(page.error().kind, ErrorKind::invalid_answer);
    } else if (verdict == "reject-retryable") {
      ASSERT_FALSE(page);
      EXPECT_EQ(page.error().kind, ErrorKind::throttled);
      EXPECT_EQ(page.error().code, "SlowDown");
    } else {
      ASSERT_EQ(verdict, "key-refused");
      // The page is good; its one key is passed on whole, for the path rules to judge.
      ASSERT_TRUE(page) << page.error().message;
      ASSERT_EQ(page->objects.size(), 1U);
      const std::string_view key = page->objects[0].key;
      EXPECT_TRUE(key.find('\0') != std::string_view::npos || !text::is_utf8(key));
      EXPECT_GT(key.size(), 2U) << "cut off";
    }
  }
  EXPECT_EQ(count, 59);
}

TEST_F(ListVectors, ViewsPointIntoThePageEvenAfterItMoved) {
  for (const simdjson::dom::element one : root_["cases"].get_array()) {
    Result<ListPage> parsed = parse_case(one);
    if (!parsed) continue;
    SCOPED_TRACE(std::string_view(one["name"]));
    const ListPage page = *std::move(parsed);
    const char* const begin = page.buffer.data();
    const char* const end = begin + page.buffer.size();
    for (const ListedObject& listed : page.objects) {
      EXPECT_TRUE(listed.key.data() >= begin && listed.key.data() + listed.key.size() <= end);
      if (listed.etag.empty()) continue;
      EXPECT_TRUE(listed.etag.data() >= begin && listed.etag.data() + listed.etag.size() <= end);
    }
  }
}

/// Every proper beginning of a good page is refused: a cut answer is never taken for a short one.
TEST_F(ListVectors, EveryCutIsRefused) {
  for (const char* name : {"owner.xml", "plain-nasty.xml", "truncated.xml", "bom.xml"}) {
    const std::vector<char> whole =
        read_bytes(vectors_file(std::string("list-objects-v2/") + name));
    ASSERT_TRUE(parse_list_page(whole, expectation()));
    std::size_t last = whole.size();
    while (last > 0 && whole[last - 1] != '>')
      --last;  // trailing white space may go
    for (std::size_t length = 0; length < last; ++length) {
      const auto end = whole.begin() + static_cast<std::ptrdiff_t>(length);
      EXPECT_FALSE(parse_list_page(std::vector<char>(whole.begin(), end), expectation()))
          << name << " cut at " << length;
    }
  }
}

/// Whatever becomes of a page, it is refused or every view is sound (ASan reads what is compared).
TEST_F(ListVectors, RandomDamage) {
  constexpr unsigned kSeed = 1;
  std::mt19937 random(kSeed);
  const std::string_view pieces[] = {"<",   ">",         "&",   ";",      "&#1;",  "<!--",
                                     "-->", "<![CDATA[", "]]>", "</Key>", "<Key>", "%",
                                     "+",   "\xff",      "\"",  "/"};
  for (const simdjson::dom::element one : root_["cases"].get_array()) {
    const std::string_view file = one["file"];
    SCOPED_TRACE(file);
    const auto whole = read_bytes(vectors_file("list-objects-v2/" + std::string(file)));
    for (int i = 0; i < 100 && !whole.empty(); ++i) {
      std::vector<char> damaged = whole;
      for (unsigned times = random() % 4 + 1; times > 0; --times) {
        const std::string_view piece = pieces[random() % std::size(pieces)];
        const auto at = damaged.begin() + static_cast<std::ptrdiff_t>(random() % damaged.size());
        damaged.insert(at, piece.begin(), piece.end());
      }
      const Result<ListPage> page = parse_list_page(std::move(damaged), expectation());
      if (!page) continue;
      for (const ListedObject& listed : page->objects) {
        ASSERT_FALSE(listed.key.empty());
        ASSERT_LE(std::string(listed.key).size(), 1024U);
        ASSERT_EQ(std::string(listed.etag).find('"'), std::string::npos);
      }
    }
  }
}

TEST(ListPageRecorded, AnswerOfAws) {
  const auto path = uncommitted_file("s3-recorded-smithy-rs/no_auth/list-objects-v2.json");
  if (!path) GTEST_SKIP() << "SLUICE_VECTORS has no s3-recorded-smithy-rs";
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.load(*path).get(root), simdjson::SUCCESS);
  int pages = 0;
  for (const simdjson::dom::element event : root["events"].get_array()) {
    std::string_view body;
    if (event.at_pointer("/action/Data/data/Utf8").get(body) != simdjson::SUCCESS) continue;
    ListExpectation expected;
    expected.bucket = "gdc-organoid-pancreatic-phs001611-2-open";
    const auto page = parse(body, expected);
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_EQ(page->objects.size(), 3U);
    EXPECT_EQ(page->objects[2].size, 396'626U);
    EXPECT_EQ(page->objects[2].etag, "f2c4e159c9b2f4233c4c0c27f4c25472");
    EXPECT_TRUE(page->truncated);
    ++pages;
  }
  EXPECT_EQ(pages, 1);
}

// ---- fields

TEST(ListPageFields, OfOneObject) {
  const auto page = parse(page_with(
      object_with("<Key>k</Key><LastModified>2024-01-02T03:04:05.678Z</LastModified>"
                  "<ETag>&quot;900150983cd24fb0d6963f7d28e17f72-2&quot;</ETag><Size>42</Size>"
                  "<ChecksumAlgorithm>CRC32</ChecksumAlgorithm>"
                  "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
                  "<ChecksumType>FULL_OBJECT</ChecksumType>"
                  "<Owner><ID>x</ID><Key>not this</Key></Owner>"
                  "<StorageClass>STANDARD</StorageClass>")));
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->objects.size(), 1U);
  const ListedObject& listed = page->objects[0];
  EXPECT_EQ(listed.key, "k");
  EXPECT_EQ(listed.etag, "900150983cd24fb0d6963f7d28e17f72-2");
  EXPECT_EQ(listed.size, 42U);
  EXPECT_EQ(listed.modified_ms, 1'704'164'645'678);
  EXPECT_EQ(listed.storage, StorageClass::readable);
  EXPECT_TRUE(listed.has_checksum);
  EXPECT_TRUE(listed.full_object_checksum);
}

TEST(ListPageFields, EtagForms) {
  const std::vector<std::pair<const char*, const char*>> forms = {
      {"&quot;abc&quot;", "abc"},
      {"abc", "abc"},
      {"\"abc\"", "abc"},
      {"&#34;abc-17&#34;", "abc-17"},
      {"", ""},
      {"W/&quot;abc&quot;", ""},
      {"W/abc", ""},
      {"&quot;&quot;", ""},
      {"&quot;", ""},
      {"&quot;a&quot;b&quot;", ""},  // could not be sent back in If-Match
      {"a&#10;b", ""},
  };
  for (const auto& [given, wanted] : forms) {
    const auto page = parse(page_with(
        object_with("<Key>k</Key><Size>1</Size><ETag>" + std::string(given) + "</ETag>")));
    ASSERT_TRUE(page) << given;
    EXPECT_EQ(page->objects[0].etag, wanted) << given;
  }
}

TEST(ListPageFields, ArchivedUnlessRestored) {
  const auto storage = [](const std::string& members) {
    ListExpectation expected = expectation();
    expected.now_ms = 1'704'164'645'000;  // 2024-01-02T03:04:05Z
    const auto page =
        parse(page_with(object_with("<Key>k</Key><Size>1</Size>" + members)), expected);
    EXPECT_TRUE(page) << members;
    return page ? page->objects.at(0).storage : StorageClass::readable;
  };
  const auto restored = [](const char* in_progress, const char* expiry) {
    return std::string("<StorageClass>GLACIER</StorageClass><RestoreStatus><IsRestoreInProgress>") +
           in_progress + "</IsRestoreInProgress>" + expiry + "</RestoreStatus>";
  };
  constexpr auto kFuture = "<RestoreExpiryDate>2024-01-02T03:04:06.000Z</RestoreExpiryDate>";
  constexpr auto kPast = "<RestoreExpiryDate>2024-01-02T03:04:05.000Z</RestoreExpiryDate>";

  EXPECT_EQ(storage("<StorageClass>GLACIER</StorageClass>"), StorageClass::archived);
  EXPECT_EQ(storage("<StorageClass>DEEP_ARCHIVE</StorageClass>"), StorageClass::archived);
  EXPECT_EQ(storage("<StorageClass>GLACIER_IR</StorageClass>"), StorageClass::readable);
  EXPECT_EQ(storage("<StorageClass>INTELLIGENT_TIERING</StorageClass>"), StorageClass::readable);
  EXPECT_EQ(storage(""), StorageClass::readable);
  EXPECT_EQ(storage(restored("false", kFuture)), StorageClass::readable);
  EXPECT_EQ(storage(restored("false", kPast)), StorageClass::archived);
  EXPECT_EQ(storage(restored("true", kFuture)), StorageClass::archived);
  EXPECT_EQ(storage(restored("false", "")), StorageClass::archived);
}

TEST(ListPageFields, MembersInAnyOrder) {
  const std::string page = "<ListBucketResult>" + object("a%2Fb+c") +
                           "<CommonPrefixes><Prefix>a%2F+</Prefix></CommonPrefixes>"
                           "<EncodingType>url</EncodingType><NextContinuationToken>a%2Fb+c"
                           "</NextContinuationToken><IsTruncated>true</IsTruncated><Prefix>a%2F"
                           "</Prefix><Name>bkt</Name></ListBucketResult>";
  const auto parsed = parse(page, expectation("a/"));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->objects[0].key, "a/b c");
  EXPECT_EQ(parsed->common_prefixes[0], "a/ ");
  EXPECT_EQ(parsed->next_token, "a%2Fb+c") << "tokens are opaque";
}

TEST(ListPageFields, IndentedPage) {
  const auto page = parse(
      "<?xml version='1.0'?>\r\n<ListBucketResult>\r\n  <Name>bkt</Name>\r\n"
      "  <IsTruncated>false</IsTruncated>\n\t<Contents>\n  <Key> k </Key>\n  <Size>1</Size>\n"
      "</Contents>\n</ListBucketResult>\n\n");
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->objects[0].key, " k ");
}

/// Text in pieces is one text, and blanks beside a comment are not lost.
TEST(ListPageFields, TextInPieces) {
  const std::vector<std::pair<const char*, const char*>> forms = {
      {"a<!--x-->b", "ab"},           {"<!--x-->ab", "ab"},
      {"ab<!--x-->", "ab"},           {" <!--x-->ab", " ab"},
      {"ab<!--x--> ", "ab "},         {"<![CDATA[a&amp;]]>b", "a&amp;b"},
      {"a<![CDATA[<b>]]>c", "a<b>c"}, {"a<?pi x?>b<!---->c", "abc"},
      {"<![CDATA[]]>a", "a"},
  };
  for (const auto& [given, wanted] : forms) {
    const auto page = parse(page_with(object(given)));
    ASSERT_TRUE(page) << given << ": " << page.error().message;
    EXPECT_EQ(page->objects[0].key, wanted) << given;
  }
  expect_refused(page_with(object("a<b/>c")), "elements where text");
}

TEST(ListPageFields, DuplicateKeysArePassedOn) {
  const auto page = parse(page_with(object("a") + object("a")));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->objects.size(), 2U);
}

TEST(ListPageFields, OrderIsNotJudged) {
  EXPECT_TRUE(parse(page_with(object("b") + object("a"))));
}

// ---- doubts about the page

TEST(ListPageRefused, WhatIsNotOneRootElement) {
  const std::string good = page_with(object("a"));
  ASSERT_TRUE(parse(good));
  ASSERT_TRUE(parse("<!-- c -->" + good + "<!-- c -->\n"));
  expect_refused(good + "x", "not exactly one");
  expect_refused(good + "\nxyz\n", "not exactly one");
  expect_refused("x" + good, "not exactly one");
  expect_refused("<?xml version=\"1.0\"?>x" + good, "not exactly one");
  expect_refused(good + good, "not exactly one");
  expect_refused(good + "<x/>", "not exactly one");
  expect_refused(good + "<![CDATA[x]]>", "not exactly one");
  expect_refused("<!DOCTYPE ListBucketResult>" + good, "not exactly one");
  expect_refused(good + "<", "no well-formed XML");
  expect_refused(good + '\0', "NUL");
  expect_refused("", "empty");
  expect_refused("   \n", "not exactly one");
  expect_refused("\xef\xbb\xbf", "empty");
}

TEST(ListPageRefused, OtherDocuments) {
  expect_refused("<html><body>Please log in</body></html>", "<html>");
  expect_refused("<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>",
                 "<ListVersionsResult>");
  expect_refused("{\"error\": 1}", "");
}

TEST(ListPageRefused, ReferencesThatPugixmlWouldMangle) {
  for (const char* reference : {"&#0;", "&#x0;", "&#x110000;", "&#99999999999;", "&unknown;", "&;",
                                "&", "&#;", "&#x;", "&#xZZ;", "&#1a;", "&amp", "&quot ;"}) {
    SCOPED_TRACE(reference);
    expect_refused(page_with(object("a" + std::string(reference) + "b")), "character reference");
  }
  const auto page = parse(page_with(object("&#x41;&#66;&amp;&lt;&gt;&quot;&apos;&#x10FFFF;")));
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->objects[0].key, "AB&<>\"'\xf4\x8f\xbf\xbf");
}

TEST(ListPageRefused, Encodings) {
  const std::string good = page_with(object("a"));
  EXPECT_TRUE(parse("<?xml version='1.0' encoding='utf-8'?>" + good));
  EXPECT_TRUE(parse("<?xml version='1.0' encoding='US-ASCII'?>" + good));
  expect_refused("<?xml version='1.0' encoding='UTF-16'?>" + good, "encoding");
  expect_refused("<?xml version='1.0' encoding='ebcdic'?>" + good, "encoding");
  expect_refused("\xfe\xff" + good, "UTF-16");
}

TEST(ListPageRefused, WithoutAnEnd) {
  expect_refused(page_with("", ""), "does not say whether it is complete");
  expect_refused(page_with("", "<IsTruncated/>"), "IsTruncated");
  expect_refused(page_with("", "<IsTruncated>1</IsTruncated>"), "IsTruncated");
  expect_refused(page_with("", "<IsTruncated>true</IsTruncated>"), "NextContinuationToken");
  expect_refused(page_with("", "<IsTruncated>false</IsTruncated><IsTruncated>true</IsTruncated>"),
                 "twice");
}

TEST(ListPageRefused, RepeatedToken) {
  ListExpectation expected = expectation();
  expected.token = "t1";
  const auto with = [](const char* token) {
    return page_with("", "<IsTruncated>true</IsTruncated><NextContinuationToken>" +
                             std::string(token) + "</NextContinuationToken>");
  };
  EXPECT_TRUE(parse(with("t2"), expected));
  EXPECT_TRUE(parse(with(std::string(16 * 1024, 't').c_str()), expected));
  expect_refused(with(std::string(16 * 1024 + 1, 't').c_str()), "too long", expected);
  expect_refused(with("t1"), "repeats", expected);
}

TEST(ListPageRefused, AnswersToAnotherQuestion) {
  expect_refused(
      "<ListBucketResult><Name>other</Name><IsTruncated>false</IsTruncated>"
      "</ListBucketResult>",
      "bucket other");
  expect_refused(
      "<ListBucketResult><Prefix>b/</Prefix><IsTruncated>false</IsTruncated>"
      "</ListBucketResult>",
      "prefix b/", expectation("a/"));
  expect_refused(page_with(object("b/x")), "prefix", expectation("b/"));
  // No echo at all is common among small servers.
  EXPECT_TRUE(parse("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
                    expectation("a/")));
  // StartAfter's echo means nothing.
  EXPECT_TRUE(parse(page_with("<StartAfter>zzz</StartAfter>" + object("a"))));
}

TEST(ListPageRefused, KeysOutsideThePrefix) {
  const auto with = [](const char* members) {
    return "<ListBucketResult><Prefix>a/</Prefix><IsTruncated>false</IsTruncated>" +
           std::string(members) + "</ListBucketResult>";
  };
  const std::string good = object("a/b");
  const std::string bad = object("a%2Fb");
  EXPECT_TRUE(parse(with(good.c_str()), expectation("a/")));
  expect_refused(with((good + bad).c_str()), "does not begin", expectation("a/"));
  expect_refused(with("<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>"), "does not begin",
                 expectation("a/"));
}

/// The prefix echo of Ceph RGW is not encoded, although its keys are.
TEST(ListPageRefused, PrefixEchoMayBeUndecoded) {
  const auto with = [](const char* echo) {
    return "<ListBucketResult><EncodingType>url</EncodingType><Prefix>" + std::string(echo) +
           "</Prefix><IsTruncated>false</IsTruncated></ListBucketResult>";
  };
  EXPECT_TRUE(parse(with("a+b/"), expectation("a+b/")));
  EXPECT_TRUE(parse(with("a%2Bb%2F"), expectation("a+b/")));
  EXPECT_TRUE(parse(with("a+b/"), expectation("a b/")));
  expect_refused(with("a%2Bb/"), "prefix", expectation("a b/"));
}

TEST(ListPageRefused, BrokenObjects) {
  expect_refused(page_with(object_with("<Size>1</Size>")), "no key");
  expect_refused(page_with(object_with("<Key/><Size>1</Size>")), "no key");
  expect_refused(page_with(object_with("<Key>k</Key>")), "no size");
  expect_refused(page_with(object_with("<Key>k</Key><Key>l</Key><Size>1</Size>")), "twice");
  expect_refused(page_with(object_with("<Key>k</Key><Size>1</Size><Size>1</Size>")), "twice");
  for (const char* size : {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808"}) {
    expect_refused(page_with(object_with("<Key>k</Key><Size>" + std::string(size) + "</Size>")),
                   "size");
  }
  expect_refused(
      page_with(object_with("<Key>k</Key><Size>1</Size><LastModified>yesterday</LastModified>")),
      "LastModified");
  expect_refused(page_with(object_with("<Key>k</Key><Size>1</Size>" + object("l"))),
                 "inside an object");
  expect_refused(page_with("<EncodingType>rot13</EncodingType>"), "encoding type");
  expect_refused(page_with("text between"), "text between");
}

TEST(ListPageRefused, Limits) {
  EXPECT_TRUE(parse(page_with(object(std::string(1024, 'k')))));
  expect_refused(page_with(object(std::string(1025, 'k'))), "1024");

  std::string objects;
  for (int i = 0; i < 10'000; ++i)
    objects += object_with("<Key>k</Key><Size>1</Size>");
  EXPECT_TRUE(parse(page_with(objects)));
  expect_refused(page_with(objects + object("one more")), "10,000");

  std::string large = page_with(object("a"));
  large.resize(kMaxPageBytes, ' ');
  EXPECT_TRUE(parse(large));
  expect_refused(large + ' ', "16 MiB");
}

TEST(ListPageRefused, DeepNestingDoesNoHarm) {
  std::string deep;
  for (int i = 0; i < 200'000; ++i)
    deep += "<x>";
  expect_refused(page_with(deep), "well-formed");
}

TEST(ListPageErrors, AnErrorDocumentIsTheErrorThatItNames) {
  const auto kind = [](const char* code) {
    const auto page = parse("<?xml version='1.0'?><Error><Code>" + std::string(code) +
                            "</Code><Message>m\x1b</Message></Error>");
    EXPECT_FALSE(page);
    EXPECT_EQ(page.error().code, code);
    EXPECT_THAT(page.error().message, HasSubstr("\\x1b"));
    return page.error().kind;
  };
  EXPECT_EQ(kind("InternalError"), ErrorKind::transient);
  EXPECT_EQ(kind("NoSuchBucket"), ErrorKind::missing_bucket);
  EXPECT_EQ(kind("Unheard.Of"), ErrorKind::transient) << "as with status 500";
}

}  // namespace
}  // namespace sluice::s3

#include "base/text.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>
#include <string>

namespace sluice::text {
namespace {

using namespace std::string_view_literals;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string all_bytes() {
  std::string out;
  for (int c = 0; c < 256; ++c)
    out += static_cast<char>(c);
  return out;
}

TEST(Escaped, LeavesPrintableTextAlone) {
  for (const auto text : {""sv, "a/b c.txt"sv, "日本語 é 😀"sv, "~`$(id)\"'"sv, "\u200b"sv})
    EXPECT_EQ(escaped(text), text);
}

TEST(Escaped, HidesWhatCouldDeceiveATerminal) {
  EXPECT_EQ(escaped("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(escaped("line\nline\r\t"), "line\\x0aline\\x0d\\x09");
  EXPECT_EQ(escaped("\0\x7f"sv), "\\x00\\x7f");
  EXPECT_EQ(escaped("\u0085\u009b"), "\\xc2\\x85\\xc2\\x9b") << "C1 controls as UTF-8";
  EXPECT_EQ(escaped("\u202a|\u202e|\u2066|\u2069"),
            "\\xe2\\x80\\xaa|\\xe2\\x80\\xae|\\xe2\\x81\\xa6|\\xe2\\x81\\xa9");
  EXPECT_EQ(escaped("\u2028\u2029"), "\\xe2\\x80\\xa8\\xe2\\x80\\xa9");
  EXPECT_EQ(escaped("a\\b"), "a\\\\b");
}

TEST(Escaped, InvalidUtf8IsShownByteByByte) {
  EXPECT_EQ(escaped("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(escaped("\xc3("), "\\xc3(") << "the byte after a broken lead is text again";
  EXPECT_EQ(escaped("\xe2\x82"), "\\xe2\\x82");
  EXPECT_EQ(escaped("\x9b"), "\\x9b") << "a bare C1 byte";
}

TEST(Escaped, TwoInputsNeverLookTheSame) {
  std::mt19937_64 random(11);
  const std::array<std::string_view, 12> pieces = {
      "\\", "x", "0", "a", "\x1b", "\xff", "c", "\xc2", "\x85", "\u0085", "\xe2\x80", "é"};
  std::map<std::string, std::string> seen;
  for (int round = 0; round < 40'000; ++round) {
    std::string input;
    for (std::size_t n = random() % 5; n > 0; --n)
      input += pieces[random() % pieces.size()];
    const auto [place, fresh] = seen.emplace(escaped(input), input);
    ASSERT_EQ(place->second, input) << place->first;
  }
}

TEST(JsonEscaped, FollowsRfc8259) {
  EXPECT_EQ(json_escaped("say \"hi\" \\ /"), "say \\\"hi\\\" \\\\ /");
  EXPECT_EQ(json_escaped("\n\x1b\0"sv), "\\u000a\\u001b\\u0000");
  EXPECT_EQ(json_escaped("\u0085\u202e\u2028"), "\\u0085\\u202e\\u2028");
  EXPECT_EQ(json_escaped("\xff!"), "\xEF\xBF\xBD!");
  EXPECT_EQ(json_escaped("日本😀"), "日本😀");
  EXPECT_TRUE(is_utf8(json_escaped(all_bytes())));
}

TEST(IsUtf8, KnowsTheTableOfUnicode) {
  for (const auto good :
       {""sv, "a\0b"sv, "\u007f"sv, "\u0080"sv, "\u07ff"sv, "\u0800"sv, "\xed\x9f\xbf"sv,
        "\xee\x80\x80"sv, "\uffff"sv, "\U00010000"sv, "\xf4\x8f\xbf\xbf"sv})
    EXPECT_TRUE(is_utf8(good)) << hex(bytes_of(good));
  for (const auto bad :
       {"\x80"sv, "\xc0\xaf"sv, "\xc1\xbf"sv, "\xc2"sv, "\xe0\x9f\xbf"sv, "\xed\xa0\x80"sv,
        "\xed\xbf\xbf"sv, "\xf0\x8f\xbf\xbf"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv,
        "\xff"sv, "\xe2\x28\xa1"sv, "ok\xf0\x9f\x98"sv})
    EXPECT_FALSE(is_utf8(bad)) << hex(bytes_of(bad));
}

TEST(Hex, RoundTrips) {
  const std::string all = all_bytes();
  const std::string digits = hex(bytes_of(all));
  EXPECT_EQ(digits.substr(0, 6), "000102");
  EXPECT_EQ(digits.substr(508), "feff");
  EXPECT_EQ(from_hex(digits), all);
  EXPECT_EQ(from_hex("DEADbeef"), "\xde\xad\xbe\xef");
  EXPECT_EQ(from_hex(""), "");
  for (const auto bad : {"a"sv, "0g"sv, "g0"sv, " 0"sv, "0x"sv, "\0\0"sv, "\xff\xff"sv})
    EXPECT_EQ(from_hex(bad), std::nullopt) << bad;
}

TEST(Base64, MatchesRfc4648) {
  const std::map<std::string_view, std::string_view> cases = {{"", ""},
                                                              {"f", "Zg=="},
                                                              {"fo", "Zm8="},
                                                              {"foo", "Zm9v"},
                                                              {"foob", "Zm9vYg=="},
                                                              {"fooba", "Zm9vYmE="},
                                                              {"foobar", "Zm9vYmFy"},
                                                              {"\xfb\xff", "+/8="}};
  for (const auto& [plain, encoded] : cases) {
    EXPECT_EQ(base64(bytes_of(plain)), encoded);
    EXPECT_EQ(from_base64(encoded), plain);
  }
  const std::string all = all_bytes();
  EXPECT_EQ(from_base64(base64(bytes_of(all))), all);
}

TEST(Base64, OnlyTheCanonicalFormIsRead) {
  for (const auto bad : {"Zg"sv, "Zg="sv, "Zg==="sv, "Zh=="sv, "Zm9="sv, "Z==="sv, "===="sv,
                         "Zg==Zg=="sv, "Zm 9"sv, "Zm9v\n"sv, "-_8="sv, "Z=g="sv, "Zm\x80v"sv})
    EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
}

TEST(UriEncoded, KeepsOnlyTheUnreservedBytes) {
  const std::string plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  EXPECT_EQ(uri_encoded(plain, Slash::encode), plain);
  EXPECT_EQ(uri_encoded("a/b c+d", Slash::keep), "a/b%20c%2Bd");
  EXPECT_EQ(uri_encoded("a/b", Slash::encode), "a%2Fb");
  EXPECT_EQ(uri_encoded("é%\0\xff*"sv, Slash::keep), "%C3%A9%25%00%FF%2A");
  std::size_t kept = 0;
  for (const char c : all_bytes())
    kept += uri_encoded(std::string_view(&c, 1), Slash::encode).size() == 1 ? 1 : 0;
  EXPECT_EQ(kept, plain.size());
}

TEST(UriEncoded, Appends) {
  std::string out = "prefix=";
  append_uri_encoded(out, "x y", Slash::encode);
  append_uri_encoded(out, "", Slash::encode);
  EXPECT_EQ(out, "prefix=x%20y");
}

TEST(UriDecoded, UndoesTheEncoding) {
  const std::string all = all_bytes();
  for (const auto slash : {Slash::keep, Slash::encode})
    for (const auto plus : {Plus::literal, Plus::space})
      EXPECT_EQ(uri_decoded(uri_encoded(all, slash), plus), all);
  EXPECT_EQ(uri_decoded("a+b%2bc", Plus::space), "a b+c");
  EXPECT_EQ(uri_decoded("a+b%2Bc", Plus::literal), "a+b+c");
  EXPECT_EQ(uri_decoded("%2525", Plus::space), "%25") << "decoded once";
  for (const auto bad : {"%"sv, "a%2"sv, "%zz"sv, "%2g"sv, "%%41"sv, "%-1"sv})
    EXPECT_EQ(uri_decoded(bad, Plus::space), std::nullopt) << bad;
}

TEST(ParseUint, TakesDigitsAndNothingElse) {
  EXPECT_EQ(parse_uint("0"), 0U);
  EXPECT_EQ(parse_uint("0042"), 42U);
  EXPECT_EQ(parse_uint("18446744073709551615"), 18446744073709551615ULL);
  for (const auto bad : {""sv, "18446744073709551616"sv, "99999999999999999999999"sv, "-1"sv,
                         "+1"sv, " 1"sv, "1 "sv, "1.0"sv, "0x1"sv, "1\0"sv})
    EXPECT_EQ(parse_uint(bad), std::nullopt) << bad;
}

TEST(AsciiCase, FoldsOnlyLetters) {
  EXPECT_TRUE(iequals("Content-Length", "content-LENGTH"));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_FALSE(iequals("[", "{")) << "neighbours of the letters are no letters";
  EXPECT_FALSE(iequals("É", "é"));
  EXPECT_EQ(lower("AbZ[É"), "abz[É");
}

TEST(Trimmed, CutsBlanksAndTabs) {
  EXPECT_EQ(trimmed(" \t a b\t "), "a b");
  EXPECT_EQ(trimmed(" \t"), "");
  EXPECT_EQ(trimmed("\na"), "\na");
}

TEST(Nearest, SuggestsOnlyWhatIsNear) {
  constexpr std::array<std::string_view, 4> kFlags = {"delete", "max-delete", "dry-run", "exclude"};
  EXPECT_EQ(nearest("delet", kFlags), "delete");
  EXPECT_EQ(nearest("dleete", kFlags), "delete");
  EXPECT_EQ(nearest("dryrun", kFlags), "dry-run");
  EXPECT_EQ(nearest("include", kFlags), "exclude");
  EXPECT_EQ(nearest("bandwidth", kFlags), "");
  EXPECT_EQ(nearest("", kFlags), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), kFlags), "");
}

}  // namespace
}  // namespace sluice::text

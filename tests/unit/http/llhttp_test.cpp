#include "http/codec.hpp"
#include "recorder.hpp"
#include "vectors.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace sluice::http {
namespace {

/// The bytes that a ```http block of llhttp's Markdown stands for: line ends are CRLF, a backslash
/// at the end joins lines, and \r \n \t \xNN are escapes.
std::string unescape(const std::string& block) {
  std::string bytes;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const char c = block[i];
    if (c == '\n') {
      bytes += "\r\n";
    } else if (c == '\\' && i + 1 < block.size()) {
      const char next = block[++i];
      if (next == 'r') bytes += '\r';
      if (next == 'n') bytes += '\n';
      if (next == 't') bytes += '\t';
      if (next == 'x') {
        bytes += static_cast<char>(std::stoi(block.substr(i + 1, 2), nullptr, 16));
        i += 2;
      }
      if (next == '"' || next == '\\') bytes += next;
    } else {
      bytes += c;
    }
  }
  return bytes;
}

std::vector<std::string> blocks_of(const std::string& markdown) {
  std::vector<std::string> blocks;
  const std::string open = "```http\n";
  std::size_t at = 0;
  while ((at = markdown.find(open, at)) != std::string::npos) {
    at += open.size();
    const std::size_t end = markdown.find("\n```", at);
    blocks.push_back(unescape(markdown.substr(at, end - at)));
    at = end;
  }
  return blocks;
}

/// The verdict as text: the error, or what was parsed.
std::string verdict(const std::string& bytes, std::size_t step) {
  Recorder recorder;
  ResponseParser parser("peer", 64 * 1024);
  parser.start(Method::get, recorder);
  std::size_t consumed = 0;
  while (consumed < bytes.size() && !parser.done()) {
    const std::string piece = bytes.substr(consumed, step);
    const auto used = parser.feed(std::as_bytes(std::span(piece)));
    if (!used) return used.error().message;
    consumed += *used;
  }
  std::ostringstream text;
  text << parser.done() << ' ' << consumed << ' ' << recorder.head.status << ' '
       << parser.keep_alive() << ' ' << recorder.body;
  for (const auto& [name, value] : recorder.head.headers)
    text << '\n' << name << ": " << value;
  return text.str();
}

class Llhttp : public ::testing::TestWithParam<const char*> {};

TEST_P(Llhttp, VerdictDoesNotDependOnTheSplit) {
  const std::string name = "http-response-llhttp/test/response/" + std::string(GetParam()) + ".md";
  const auto file = vector_file(name);
  if (!file) GTEST_SKIP() << "SLUICE_VECTORS holds no " << name;
  std::ifstream stream(*file);
  std::ostringstream markdown;
  markdown << stream.rdbuf();
  const auto blocks = blocks_of(markdown.str());
  EXPECT_FALSE(blocks.empty());
  for (const std::string& bytes : blocks) {
    const std::string whole = verdict(bytes, bytes.size());
    for (const std::size_t step : {1u, 2u, 3u, 7u, 64u})
      EXPECT_EQ(verdict(bytes, step), whole) << bytes;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Llhttp,
                         ::testing::Values("connection", "content-length", "finish", "invalid",
                                           "lenient-version", "pausing", "pipelining", "sample",
                                           "transfer-encoding"));

}  // namespace
}  // namespace sluice::http

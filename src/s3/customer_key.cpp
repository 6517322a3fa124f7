#include "s3/customer_key.hpp"

#include "base/text.hpp"
#include "crypto/digest.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>

namespace sluice::s3 {

namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kFileBytesMax = 256;

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

Result<CustomerKey> CustomerKey::parse(std::string_view content, std::string_view where) {
  std::optional<std::string> bytes(content);
  if (content.size() != kKeyBytes) bytes = text::from_base64(without_blanks(content));
  if (!bytes || bytes->size() != kKeyBytes)
    return Error(
        ErrorKind::usage,
        std::string(where) +
            " holds no SSE-C key: it must be 32 bytes, or these as base64 (44 characters)");
  CustomerKey key;
  key.base64_ = text::base64(crypto::bytes_of(*bytes));
  const std::string md5 = crypto::digest(crypto::Algorithm::md5, crypto::bytes_of(*bytes));
  key.md5_base64_ = text::base64(crypto::bytes_of(md5));
  return key;
}

Result<CustomerKey> CustomerKey::read(const std::string& path) {
  const std::string name = "the file " + text::escaped(path) + " (--sse-c-key-file)";
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return local_error("cannot open " + name, errno);
  std::array<char, kFileBytesMax> content{};
  const std::size_t size = std::fread(content.data(), 1, content.size(), file.get());
  if (std::ferror(file.get()) != 0) return local_error("cannot read " + name, errno);
  return parse({content.data(), size}, name);
}

}  // namespace sluice::s3

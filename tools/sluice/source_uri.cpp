#include "source_uri.hpp"

#include "base/text.hpp"

namespace sluice::cli {
namespace {

constexpr std::string_view kScheme = "s3://";

Error not_a_source(std::string_view text, std::string_view advice) {
  std::string message = "\"" + text::escaped(text) + "\" is no S3 source: ";
  message += advice;
  return Error(ErrorKind::usage, std::move(message));
}

}  // namespace

Result<SourceUri> parse_source_uri(std::string_view text) {
  if (!text.starts_with(kScheme)) {
    const std::size_t colon = text.find("://");
    const std::string_view scheme = text.substr(0, colon == std::string_view::npos ? 0 : colon);
    if (text::iequals(scheme, "http") || text::iequals(scheme, "https"))
      return not_a_source(text, "write s3://BUCKET/PREFIX, and the server as --endpoint-url");
    return not_a_source(text, "write s3://BUCKET or s3://BUCKET/PREFIX");
  }
  text.remove_prefix(kScheme.size());
  const std::size_t slash = text.find('/');
  SourceUri uri;
  uri.bucket = text.substr(0, slash);
  if (uri.bucket.empty())
    return Error(ErrorKind::usage, "s3:// lacks the name of a bucket: write s3://BUCKET/PREFIX");
  if (slash != std::string_view::npos) uri.prefix = text.substr(slash + 1);
  if (!uri.prefix.empty() && uri.prefix.back() != '/') uri.prefix += '/';
  return uri;
}

}  // namespace sluice::cli

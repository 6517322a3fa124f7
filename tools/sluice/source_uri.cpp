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

/// The bucket may be the ARN of an access point, which has a slash before its last part:
/// `arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME`. How much of it is before that part.
std::size_t bytes_of_arn_type(std::string_view text) noexcept {
  constexpr std::string_view kType = ":accesspoint/";
  const std::size_t type = text.find(kType);
  if (!text.starts_with("arn:") || type == std::string_view::npos) return 0;
  const bool is_in_key = text.find('/') < type;
  return is_in_key ? 0 : type + kType.size();
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
  const std::size_t slash = text.find('/', bytes_of_arn_type(text));
  SourceUri uri;
  uri.bucket = text.substr(0, slash);
  if (uri.bucket.empty())
    return Error(ErrorKind::usage, "s3:// lacks the name of a bucket: write s3://BUCKET/PREFIX");
  if (slash != std::string_view::npos) uri.prefix = text.substr(slash + 1);
  if (!uri.prefix.empty() && uri.prefix.back() != '/') uri.prefix += '/';
  return uri;
}

}  // namespace sluice::cli

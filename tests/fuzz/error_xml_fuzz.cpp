// The body of an error answer, after a line with its status.

#include "base/text.hpp"
#include "http/url.hpp"
#include "property.hpp"
#include "s3/errors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  fuzz::Input input(data, size);
  const int status = static_cast<int>(text::parse_uint(input.line()).value_or(500) % 1000);
  const s3::ErrorDocument document = s3::parse_error_document(input.rest());
  fuzz::require(document.region.empty() || http::is_dns_label(document.region),
                "a region is a DNS label");
  const s3::ErrorDocument again = s3::parse_error_document(std::string(input.rest()));
  fuzz::require(document.code == again.code && document.message == again.message,
                "the same body says the same");
  for (const auto operation :
       {s3::Operation::list, s3::Operation::head, s3::Operation::get, s3::Operation::probe}) {
    const ErrorKind kind = s3::classify(status, document.code, operation);
    fuzz::require(to_string(kind) != "unknown", "every answer has a kind");
    // These would be taken for facts about the bucket; a server's own trouble is none.
    if (status >= 500 && document.code.empty())
      fuzz::require(kind != ErrorKind::missing_key && kind != ErrorKind::missing_bucket,
                    "trouble of the server's says nothing of keys");
  }
  return 0;
}

#include "s3/hints.hpp"

namespace sluice::s3 {

std::string hint(const SessionOptions& options, const Failure& failure) {
  if (failure.kind != ErrorKind::denied) return {};
  const bool is_object =
      failure.operation == Operation::get || failure.operation == Operation::head;
  if (is_object && failure.document.code == "InvalidRequest")
    return options.customer_key
               ? "; objects that are not encrypted with a customer's key cannot be read while one "
                 "is given (--sse-c-key-file, SLUICE_SSE_C_KEY): exclude them"
               : "; if the object is encrypted with a key of yours (SSE-C), give that key with "
                 "--sse-c-key-file";
  std::string text;
  if (failure.status != 403 || failure.document.code.starts_with("KMS")) return text;
  if (is_object && options.customer_key)
    text += "; or the object is encrypted with another key than that of --sse-c-key-file";
  if (!options.expected_bucket_owner.empty())
    text += "; or the bucket does not belong to the account " + options.expected_bucket_owner +
            " (--expected-bucket-owner)";
  return text;
}

}  // namespace sluice::s3

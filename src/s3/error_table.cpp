#include "s3/error_table.hpp"

#include <algorithm>

namespace sluice::s3 {

namespace {

constexpr ErrorRow by_code(std::string_view code, ErrorKind kind,
                           Correction correction = Correction::none,
                           Operations operations = kAnyOperation) {
  return ErrorRow{0, 0, code, operations, kind, correction};
}

constexpr ErrorRow by_status(int first, int last, ErrorKind kind,
                             Correction correction = Correction::none) {
  return ErrorRow{first, last, "*", kAnyOperation, kind, correction};
}

/// A code says more than a status, so all codes come first. Sources: the S3 API reference, "Error
/// responses" (list of codes); botocore's retry data for throttling and transient codes; RGW and
/// MinIO where they differ (marked).
struct Table {
  using enum ErrorKind;
  static constexpr ErrorRow rows[] = {
      by_code("NoSuchBucket", missing_bucket),
      by_code("NoSuchKey", missing_key, Correction::none, kObjectOperations),
      // We never ask for a version: something else is there now.
      by_code("NoSuchVersion", changed, Correction::none, kObjectOperations),

      by_code("AccessDenied", denied),
      by_code("AllAccessDisabled", denied),
      by_code("AccountProblem", denied),
      by_code("NotSignedUp", denied),
      by_code("InvalidPayer", denied),
      by_code("InvalidSecurity", denied),
      by_code("UserSuspended", denied),  // RGW

      by_code("ExpiredToken", expired, Correction::refresh_credentials),
      by_code("ExpiredTokenException", expired, Correction::refresh_credentials),
      by_code("InvalidToken", expired, Correction::refresh_credentials),
      by_code("InvalidTokenId", expired, Correction::refresh_credentials),  // MinIO
      by_code("TokenRefreshRequired", expired, Correction::refresh_credentials),
      // New keys take a moment to be known, and rotated ones are forgotten.
      by_code("InvalidAccessKeyId", credentials, Correction::refresh_credentials),
      by_code("SignatureDoesNotMatch", credentials, Correction::clock_if_far),
      by_code("InvalidSignature*", credentials, Correction::clock_if_far),
      by_code("AuthFailure", credentials, Correction::clock_if_far),
      by_code("MissingAuthenticationToken", credentials),
      by_code("MissingSecurityHeader", credentials),
      by_code("UnrecognizedClientException", credentials, Correction::refresh_credentials),

      by_code("RequestTimeTooSkewed", skewed, Correction::clock),
      by_code("RequestExpired", skewed, Correction::clock),
      by_code("RequestInTheFuture", skewed, Correction::clock),

      by_code("SlowDown*", throttled),  // MinIO: SlowDownRead
      by_code("Throttling*", throttled),
      by_code("ThrottledException", throttled),
      by_code("RequestThrottled*", throttled),
      by_code("RequestLimitExceeded", throttled),
      by_code("BandwidthLimitExceeded", throttled),
      by_code("TooManyRequests*", throttled),
      by_code("KMS.Throttling*", throttled),

      by_code("InternalError", transient),
      by_code("ServiceUnavailable", transient),
      by_code("RequestTimeout*", transient),
      by_code("OperationAborted", transient),

      by_code("PermanentRedirect", wrong_region, Correction::region),
      by_code("TemporaryRedirect", wrong_region, Correction::region),
      by_code("Redirect", wrong_region, Correction::region),
      by_code("AuthorizationHeaderMalformed", wrong_region, Correction::region),
      by_code("IllegalLocationConstraintException", wrong_region, Correction::region),
      by_code("InvalidRegion", wrong_region, Correction::region),  // MinIO

      by_code("InvalidObjectState", archived),
      by_code("PreconditionFailed", changed),
      by_code("InvalidRange", changed),
      by_code("KMS*", denied),
      // So S3 answers for an object under SSE-C whose key was not sent.
      by_code("InvalidRequest", denied, Correction::none, kObjectOperations),
      by_code("MethodNotAllowed", unsupported, Correction::drop_feature),
      by_code("NotImplemented", unsupported, Correction::drop_feature),
      by_code("InvalidBucketName", usage),

      // A HEAD has no body that could name the code. Anywhere else a 404 without one proves
      // nothing: a proxy or another service may have sent it.
      ErrorRow{404, 404, "", only(Operation::head), missing_key, Correction::none},
      // An expired token is a 400 and a skewed clock a 403.
      ErrorRow{400, 400, "", only(Operation::head), invalid_answer,
               Correction::refresh_credentials},
      ErrorRow{403, 403, "", only(Operation::head), denied, Correction::clock_if_far},

      by_status(301, 301, wrong_region, Correction::region),
      by_status(307, 308, wrong_region, Correction::region),
      by_status(401, 401, credentials),
      by_status(403, 403, denied),
      by_status(405, 405, unsupported, Correction::drop_feature),
      by_status(407, 407, denied),
      by_status(408, 408, transient),
      by_status(412, 412, changed),
      by_status(416, 416, changed),
      by_status(429, 429, throttled),
      by_status(501, 501, unsupported, Correction::drop_feature),
      by_status(500, 599, transient),
      by_status(0, 0, invalid_answer),
  };
};

bool fits(std::string_view pattern, std::string_view code) noexcept {
  if (pattern.ends_with('*')) return code.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == code;
}

}  // namespace

std::span<const ErrorRow> error_table() noexcept {
  return Table::rows;
}

const ErrorRow& error_row(int status, std::string_view code, Operation operation) noexcept {
  const auto row = std::ranges::find_if(Table::rows, [&](const ErrorRow& candidate) {
    const bool status_fits = candidate.first_status == 0 ||
                             (candidate.first_status <= status && status <= candidate.last_status);
    return status_fits && (candidate.operations & only(operation)) != 0 &&
           fits(candidate.code, code);
  });
  return *row;
}

}  // namespace sluice::s3

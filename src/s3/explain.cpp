#include "s3/explain.hpp"

#include "base/text.hpp"

#include <cstdlib>
#include <utility>

namespace sluice::s3 {

namespace {

std::string_view arn_partition(std::string_view region) noexcept {
  if (region.starts_with("cn-")) return "aws-cn";
  if (region.starts_with("us-gov-")) return "aws-us-gov";
  return "aws";
}

/// "403 AccessDenied".
std::string said(const Failure& failure) {
  std::string text = std::to_string(failure.status);
  if (!failure.document.code.empty()) text += " " + failure.document.code;
  return text;
}

/// The same with the service's own words, for what we have none for.
std::string said_in_full(const Failure& failure) {
  std::string text = said(failure);
  if (!failure.document.message.empty()) text += ": " + text::escaped(failure.document.message);
  return text;
}

std::string denied(const Session& session, const Failure& failure) {
  if (failure.document.code.starts_with("KMS")) {
    return "the KMS key that encrypts the object cannot be used (" + said_in_full(failure) +
           "); the identity needs kms:Decrypt on an enabled key";
  }
  if (failure.document.code == "InvalidRequest") {
    return "the service refuses the request (" + said_in_full(failure) +
           "); objects encrypted with a customer's key (SSE-C) cannot be read without that key";
  }
  if (failure.status == 407) return "the proxy wants other credentials (407)";
  const std::string arn = "arn:" + std::string(arn_partition(session.region())) +
                          ":s3:::" + text::escaped(session.options().bucket);
  std::string permission = failure.operation == Operation::list ? "s3:ListBucket on " + arn
                                                                : "s3:GetObject on " + arn + "/*";
  std::string text = "access denied (" + said(failure) + "); ";
  if (!session.options().sign) {
    return text + "requests are not signed (--no-sign-request), and the bucket does not allow " +
           permission + " to everyone";
  }
  return text + "the identity needs the permission " + permission;
}

std::string credentials(const Session& session, const Failure& failure) {
  const std::string source = failure.credentials_name.empty()
                                 ? std::string("the credentials")
                                 : "the credentials from " + failure.credentials_name;
  const std::string& code = failure.document.code;
  if (!session.options().sign) {
    return "the service wants signed requests (" + said(failure) +
           "); leave out --no-sign-request and provide credentials";
  }
  if (code == "InvalidAccessKeyId") {
    return "the service does not know the access key (" + said(failure) + "); check " + source +
           " and that they belong to this endpoint";
  }
  if (code.starts_with("SignatureDoesNotMatch") || code.starts_with("InvalidSignature") ||
      code == "AuthFailure") {
    return "the signature does not match (" + said(failure) + "); the secret key in " + source +
           " is wrong, or something between here and the service (a proxy, the endpoint itself) "
           "rewrites requests";
  }
  if (code.starts_with("Expired") || code.starts_with("InvalidToken") ||
      code == "TokenRefreshRequired") {
    return source + " have expired (" + said(failure) + "); renew them";
  }
  return source + " are not accepted (" + said_in_full(failure) + ")";
}

std::string skewed(const Failure& failure) {
  std::string text = "this computer's clock differs too much from the service's";
  if (failure.skew_seconds && *failure.skew_seconds != 0) {
    const std::int64_t seconds = *failure.skew_seconds;
    text = "this computer's clock is " + std::to_string(std::abs(seconds)) + " seconds " +
           (seconds > 0 ? "behind" : "ahead of") + " the service's";
  }
  return text + " (" + said(failure) + "); set it, for example with \"timedatectl set-ntp true\"";
}

std::string wrong_region(const Session& session, const Failure& failure) {
  // The region in which it was asked for is no advice.
  const bool is_known = !failure.region.empty() && failure.region != session.region();
  if (!is_known && failure.document.code.empty()) {
    return "the endpoint redirects elsewhere (" + said(failure) +
           "), which is not followed; check --endpoint-url and --region";
  }
  if (!is_known) {
    return "the bucket is not in this region (" + said(failure) +
           "), and the service does not say where it is; give the right one with --region";
  }
  return "the bucket is in region " + failure.region + " (" + said(failure) + "); use --region " +
         failure.region;
}

std::string invalid_answer(const Failure& failure) {
  if (failure.status == 404) {
    return "the answer is " + said_in_full(failure) +
           ", which does not prove that anything is missing; does the endpoint lead to an S3 "
           "service?";
  }
  return "the service answered " + said_in_full(failure) +
         "; check the endpoint, and that no proxy or login page answers in its place";
}

std::string reason(const Session& session, const Failure& failure) {
  switch (failure.kind) {
    case ErrorKind::missing_bucket:
      return "the bucket does not exist there (" + said(failure) +
             "); check the name, the region and --endpoint-url";
    case ErrorKind::missing_key:
      return "the key does not exist any more (" + said(failure) + ")";
    case ErrorKind::denied:
      return denied(session, failure);
    case ErrorKind::credentials:
    case ErrorKind::expired:
      return credentials(session, failure);
    case ErrorKind::skewed:
      return skewed(failure);
    case ErrorKind::wrong_region:
      return wrong_region(session, failure);
    case ErrorKind::archived:
      return "the object is archived (" + said(failure) +
             "); restore it first, for example with \"aws s3api restore-object\"";
    case ErrorKind::changed:
      return "the object is no longer the version that was listed (" + said(failure) + ")";
    case ErrorKind::throttled:
      return "the service asks for fewer requests (" + said(failure) + ")";
    case ErrorKind::unsupported:
      return "the service does not support this request (" + said_in_full(failure) + ")";
    case ErrorKind::usage:
      return "the service refuses the bucket's name (" + said_in_full(failure) + ")";
    case ErrorKind::invalid_answer:
      return invalid_answer(failure);
    default:
      return "the service failed (" + said_in_full(failure) + ")";
  }
}

}  // namespace

std::string attempted(const Session& session, Operation operation, std::string_view subject) {
  if (operation == Operation::list) {
    std::string text = "cannot list " + session.description();
    if (!subject.empty()) text += ", prefix " + text::escaped(subject);
    return text;
  }
  const std::string_view verb = operation == Operation::get ? "get" : "look at";
  std::string text = "cannot " + std::string(verb);
  if (!subject.empty()) text += " key " + text::escaped(subject) + " of";
  return text + " " + session.description();
}

std::string iam_policy(const Session& session) {
  const std::string& bucket = session.options().bucket;
  if (bucket.starts_with("arn:")) return {};
  const std::string arn =
      "arn:" + std::string(arn_partition(session.region())) + ":s3:::" + text::escaped(bucket);
  return R"({
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": ")" +
         arn + R"("},
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": ")" +
         arn + R"(/*"}
  ]
}
)";
}

Error explain(const Session& session, const Failure& failure) {
  Error error(failure.kind, attempted(session, failure.operation, failure.subject) + ": " +
                                reason(session, failure));
  error.code = failure.document.code;
  error.http_status = failure.status;
  error.retry_after = failure.retry_after;
  if (failure.kind == ErrorKind::wrong_region) error.region = failure.region;
  // The one renewal there is has been tried.
  if (failure.kind == ErrorKind::expired) error.kind = ErrorKind::credentials;
  return error;
}

}  // namespace sluice::s3

#include "origin/service.hpp"

#include "origin/credential_services.hpp"
#include "origin/dates.hpp"
#include "origin/errors.hpp"
#include "origin/objects.hpp"

#include <variant>

namespace sluice::origin {
namespace {

// The hash of no bytes: what a request without a body must declare, or UNSIGNED-PAYLOAD.
constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string_view code_of(AuthFailure failure) {
  switch (failure) {
    case AuthFailure::none:
    case AuthFailure::anonymous:
      return "AccessDenied";
    case AuthFailure::malformed:
      return "AuthorizationHeaderMalformed";
    case AuthFailure::unknown_access_key:
      return "InvalidAccessKeyId";
    case AuthFailure::invalid_token:
      return "InvalidToken";
    case AuthFailure::expired_token:
      return "ExpiredToken";
    case AuthFailure::wrong_region:
      return "AuthorizationHeaderMalformed";
    case AuthFailure::skewed_clock:
      return "RequestTimeTooSkewed";
    case AuthFailure::unsigned_header:
      return "AccessDenied";
    case AuthFailure::no_content_sha256:
      return "MissingSecurityHeader";
    case AuthFailure::target_not_canonical:
    case AuthFailure::signature_mismatch:
      return "SignatureDoesNotMatch";
  }
  return "AccessDenied";
}

Answer error_answer(const S3Error& error, std::string_view request_id) {
  Answer answer;
  answer.response = to_response(error, request_id);
  return answer;
}

}  // namespace

void Service::add_bucket(std::string name, std::shared_ptr<Bucket> bucket) {
  const std::lock_guard lock(mutex_);
  buckets_.insert_or_assign(std::move(name), std::move(bucket));
}

std::shared_ptr<Bucket> Service::find_bucket(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = buckets_.find(name);
  return found != buckets_.end() ? found->second : nullptr;
}

std::vector<std::string> Service::bucket_names() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& entry : buckets_)
    names.push_back(entry.first);
  return names;
}

std::int64_t Service::now_ms() const {
  return options_.clock_ms ? options_.clock_ms() : origin::now_ms();
}

Route Service::route(const Request& request) const {
  if (auto service = route_to_service(request, options_.services)) return *std::move(service);
  return route_request(request, bucket_names());
}

Verification Service::verify(const Request& request, const Route& route) const {
  VerifyOptions options;
  options.now_ms = now_ms();
  options.region = options_.region;
  if (is_credential_service(route.operation)) {
    if (!is_signed_call(route)) return {};
    options.service = "sts";
    options.region.clear();
  }
  const FindCredential find = [this](std::string_view access_key) {
    auto known = find_credential(options_.credentials, access_key);
    return known ? known : issuer_.find(access_key);
  };
  Verification verification = verify_sigv4(request, find, options);
  if (options.service != "s3") return verification;
  if (verification.failure == AuthFailure::anonymous && options_.allow_anonymous) {
    verification.failure = AuthFailure::none;
  }
  return verification;
}

Answer Service::refuse_region(const Route& route, const Verification& verification,
                              std::string_view request_id) const {
  const bool redirect = options_.wrong_region != WrongRegion::malformed;
  const bool temporary = options_.wrong_region == WrongRegion::temporary;
  S3Error error = make_error(std::string(code_of(verification.failure)));
  if (redirect) {
    error = make_error(temporary ? "TemporaryRedirect" : "PermanentRedirect");
    const bool aws = options_.redirect_to.empty();
    error.details.push_back(
        {"Endpoint", aws ? "s3." + options_.region + ".amazonaws.com" : options_.redirect_to});
    error.details.push_back({"Bucket", route.bucket});
  } else {
    error.message = "The authorization header is malformed; the region '" + verification.region +
                    "' is wrong; expecting '" + options_.region + "'";
    error.details.push_back({"Region", options_.region});
  }
  Answer answer = error_answer(error, request_id);
  Headers& headers = answer.response.headers;
  // S3 names the region in a header with redirects and HeadBucket, not with the malformed GET.
  if (redirect || route.operation == Operation::head_bucket) {
    headers.push_back({"x-amz-bucket-region", options_.region});
  }
  if (redirect && !options_.redirect_to.empty()) {
    headers.push_back({"Location", options_.redirect_to});
  }
  return answer;
}

Answer Service::refuse(const Route& route, const Verification& verification,
                       std::string_view request_id) const {
  if (verification.failure == AuthFailure::wrong_region) {
    return refuse_region(route, verification, request_id);
  }
  S3Error error = make_error(std::string(code_of(verification.failure)));
  if (!verification.canonical_request.empty()) {
    error.details.push_back({"AWSAccessKeyId", verification.access_key});
    error.details.push_back({"StringToSign", verification.string_to_sign});
    error.details.push_back({"CanonicalRequest", verification.canonical_request});
  }
  if (verification.failure == AuthFailure::skewed_clock) {
    error.details.push_back({"ServerTime", iso_date(now_ms())});
    error.details.push_back({"MaxAllowedSkewMilliseconds", "900000"});
  }
  error.details.push_back({"Reason", verification.detail});
  return error_answer(error, request_id);
}

Answer Service::answer(const Request& request, const Route& route, const Verification& verification,
                       std::string_view request_id) const {
  if (is_credential_service(route.operation)) {
    Answer answer;
    answer.response = answer_service(
        {request, route, verification, options_.services, issuer_, now_ms(), request_id});
    return answer;
  }
  if (verification.failure != AuthFailure::none) return refuse(route, verification, request_id);
  if (!route.readable) return error_answer(make_error("InvalidURI"), request_id);
  if (request.method != "GET" && request.method != "HEAD") {
    return error_answer(make_error("MethodNotAllowed"), request_id);
  }
  const std::string* const payload = find_header(request.headers, "x-amz-content-sha256");
  if (payload != nullptr && *payload != kEmptySha256 && *payload != "UNSIGNED-PAYLOAD") {
    return error_answer(make_error("XAmzContentSHA256Mismatch"), request_id);
  }
  if (route.bucket.empty()) return error_answer(make_error("AccessDenied"), request_id);
  const std::shared_ptr<Bucket> bucket = find_bucket(route.bucket);
  if (!bucket) {
    S3Error error = make_error("NoSuchBucket");
    error.details.push_back({"BucketName", route.bucket});
    return error_answer(error, request_id);
  }
  const std::string* const owner = find_header(request.headers, "x-amz-expected-bucket-owner");
  if (owner != nullptr && !options_.owner.empty() && *owner != options_.owner) {
    return error_answer(make_error("AccessDenied"), request_id);
  }
  return answer_bucket(request, route, *bucket, request_id);
}

Answer Service::answer_bucket(const Request& request, const Route& route, Bucket& bucket,
                              std::string_view request_id) const {
  const std::string region = options_.region.empty() ? "us-east-1" : options_.region;
  Answer answer;
  if (route.operation == Operation::head_bucket) {
    answer.response.headers.push_back({"x-amz-bucket-region", region});
    answer.response.headers.push_back({"Content-Type", "application/xml"});
    return answer;
  }
  if (route.operation == Operation::bucket_location) {
    // us-east-1 is written as nothing, for ever.
    set_body(answer.response,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint "
             "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" +
                 (region == "us-east-1" ? std::string() : region) + "</LocationConstraint>",
             "application/xml");
    return answer;
  }
  if (route.operation == Operation::list) {
    ListOptions list_options;
    list_options.page_size = options_.page_size;
    list_options.lists = options_.lists;
    auto listed = list_page(bucket, route, list_options);
    if (const auto* const error = std::get_if<ListError>(&listed)) {
      return error_answer(make_error(error->code, error->message), request_id);
    }
    answer.page = std::get<ListPage>(std::move(listed));
    const std::string* const extra =
        find_header(request.headers, "x-amz-optional-object-attributes");
    answer.page->restore_status =
        extra != nullptr && extra->find("RestoreStatus") != std::string::npos;
    answer.response.headers.push_back({"x-amz-bucket-region", region});
    return answer;
  }
  if (route.operation != Operation::head && route.operation != Operation::get) {
    return error_answer(make_error("NotImplemented"), request_id);
  }
  const std::optional<Object> object = bucket.find(route.key);
  if (!object) {
    S3Error error = make_error("NoSuchKey");
    error.details.push_back({"Key", route.key});
    return error_answer(error, request_id);
  }
  auto result = answer_object(*object, request, route);
  if (const auto* const error = std::get_if<S3Error>(&result)) {
    return error_answer(*error, request_id);
  }
  answer.response = std::get<Response>(std::move(result));
  return answer;
}

void add_common_headers(Response& response, std::string_view request_id, std::int64_t now_ms) {
  response.headers.insert(
      response.headers.begin(),
      {Header{"x-amz-id-2", "sluice-origin"}, Header{"x-amz-request-id", std::string(request_id)},
       Header{"Date", http_date(now_ms)}, Header{"Server", "sluice-origin"}});
}

void seal(Answer& answer, const Request& request) {
  Response& response = answer.response;
  if (answer.page && !response.body) set_body(response, to_xml(*answer.page), "application/xml");
  if (request.method != "HEAD") return;
  response.head_only = true;
  // S3 answers a failed HEAD with nothing but the status.
  if (response.status >= 300) response.body = nullptr, response.body_bytes = 0;
}

}  // namespace sluice::origin

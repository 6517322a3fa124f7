#include "origin/errors.hpp"

#include "origin/encoding.hpp"

namespace sluice::origin {
namespace {

struct ErrorRow {
  std::string_view code;
  int status;
  std::string_view message;
};

// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
constexpr ErrorRow kErrors[] = {
    {"AccessDenied", 403, "Access Denied"},
    {"AuthorizationHeaderMalformed", 400, "The authorization header is malformed"},
    {"ExpiredToken", 400, "The provided token has expired."},
    {"InternalError", 500, "We encountered an internal error. Please try again."},
    {"InvalidAccessKeyId", 403,
     "The AWS Access Key Id you provided does not exist in our records."},
    {"InvalidArgument", 400, "Invalid Argument"},
    {"InvalidEncryptionAlgorithmError", 400,
     "The encryption request you specified is not valid. Supported value: AES256."},
    {"InvalidObjectState", 403, "The operation is not valid for the object's storage class"},
    {"InvalidPartNumber", 416, "The requested partnumber is not satisfiable"},
    {"InvalidRange", 416, "The requested range is not satisfiable"},
    {"InvalidRequest", 400, "Invalid Request"},
    {"InvalidToken", 400, "The provided token is malformed or otherwise invalid."},
    {"InvalidURI", 400, "Couldn't parse the specified URI."},
    {"MethodNotAllowed", 405, "The specified method is not allowed against this resource."},
    {"MissingSecurityHeader", 400, "Your request was missing a required header"},
    {"NoSuchBucket", 404, "The specified bucket does not exist"},
    {"NoSuchKey", 404, "The specified key does not exist."},
    {"NotImplemented", 501,
     "A header or query you provided implies functionality that is not implemented"},
    {"PermanentRedirect", 301,
     "The bucket you are attempting to access must be addressed using the specified endpoint."},
    {"PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold"},
    {"RequestTimeTooSkewed", 403,
     "The difference between the request time and the current time is too large."},
    {"RequestTimeout", 400,
     "Your socket connection to the server was not read from or written to within the timeout "
     "period."},
    {"ServiceUnavailable", 503, "Service is unable to handle request."},
    {"SignatureDoesNotMatch", 403,
     "The request signature we calculated does not match the signature you provided. Check your "
     "key and signing method."},
    {"SlowDown", 503, "Please reduce your request rate."},
    {"TemporaryRedirect", 307,
     "Please re-send this request to the specified temporary endpoint. Continue to use the "
     "original request endpoint for future requests."},
    {"XAmzContentSHA256Mismatch", 400,
     "The provided 'x-amz-content-sha256' header does not match what was computed."},
};

const ErrorRow* find_row(std::string_view code) {
  for (const ErrorRow& row : kErrors) {
    if (row.code == code) return &row;
  }
  return nullptr;
}

}  // namespace

int status_of(std::string_view code) {
  const ErrorRow* const row = find_row(code);
  return row != nullptr ? row->status : 400;
}

S3Error make_error(std::string code, std::string message) {
  S3Error error;
  error.status = status_of(code);
  const ErrorRow* const row = find_row(code);
  error.message = message.empty() && row != nullptr ? std::string(row->message) : message;
  error.code = std::move(code);
  return error;
}

Response to_response(const S3Error& error, std::string_view request_id) {
  Response response;
  response.status = error.status;
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>";
  const auto element = [&xml](std::string_view name, std::string_view value) {
    xml.append("<").append(name).append(">").append(xml_escape(value));
    xml.append("</").append(name).append(">");
  };
  element("Code", error.code);
  element("Message", error.message);
  for (const Header& detail : error.details)
    element(detail.name, detail.value);
  element("RequestId", request_id);
  element("HostId", "sluice-origin");
  xml += "</Error>";
  set_body(response, std::move(xml), "application/xml");
  return response;
}

}  // namespace sluice::origin

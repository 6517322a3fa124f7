#include "s3/errors.hpp"

#include "s3/error_table.hpp"
#include "vectors.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::s3 {
namespace {

using enum ErrorKind;
using enum Operation;

struct Case {
  int status;
  std::string_view code;
  Operation operation;
  ErrorKind kind;
  Correction correction = Correction::none;
};

// Everything that the catalogue of status codes names, and every row of the table.
const std::vector<Case> kCases = {
    {404, "NoSuchBucket", list, missing_bucket},
    {404, "NoSuchBucket", get, missing_bucket},
    {404, "NoSuchBucket", probe, missing_bucket},
    {404, "NoSuchKey", get, missing_key},
    {404, "NoSuchKey", probe, missing_key},
    {404, "NoSuchVersion", get, changed},

    {403, "AccessDenied", list, denied},
    {403, "AccessDenied", get, denied},
    {403, "AllAccessDisabled", get, denied},
    {403, "AccountProblem", get, denied},
    {403, "NotSignedUp", list, denied},
    {403, "InvalidPayer", get, denied},
    {403, "InvalidSecurity", get, denied},
    {403, "UserSuspended", list, denied},

    {400, "ExpiredToken", get, expired, Correction::refresh_credentials},
    {403, "ExpiredTokenException", get, expired, Correction::refresh_credentials},
    {400, "InvalidToken", list, expired, Correction::refresh_credentials},
    {403, "InvalidTokenId", list, expired, Correction::refresh_credentials},
    {400, "TokenRefreshRequired", list, expired, Correction::refresh_credentials},
    {403, "InvalidAccessKeyId", list, credentials, Correction::refresh_credentials},
    {403, "UnrecognizedClientException", list, credentials, Correction::refresh_credentials},
    {403, "SignatureDoesNotMatch", get, credentials, Correction::clock_if_far},
    {403, "InvalidSignatureException", get, credentials, Correction::clock_if_far},
    {403, "InvalidSignature", get, credentials, Correction::clock_if_far},
    {401, "AuthFailure", get, credentials, Correction::clock_if_far},
    {403, "MissingAuthenticationToken", get, credentials},
    {400, "MissingSecurityHeader", get, credentials},

    {403, "RequestTimeTooSkewed", get, skewed, Correction::clock},
    {403, "RequestExpired", get, skewed, Correction::clock},
    {403, "RequestInTheFuture", get, skewed, Correction::clock},

    {503, "SlowDown", list, throttled},
    {503, "SlowDownRead", get, throttled},
    {400, "Throttling", get, throttled},
    {400, "ThrottlingException", get, throttled},
    {400, "ThrottledException", get, throttled},
    {400, "RequestThrottledException", get, throttled},
    {503, "RequestLimitExceeded", get, throttled},
    {509, "BandwidthLimitExceeded", get, throttled},
    {429, "TooManyRequestsException", get, throttled},
    {400, "KMS.ThrottlingException", get, throttled},

    {500, "InternalError", list, transient},
    {503, "ServiceUnavailable", list, transient},
    {400, "RequestTimeout", get, transient},
    {409, "OperationAborted", get, transient},

    {301, "PermanentRedirect", list, wrong_region, Correction::region},
    {307, "TemporaryRedirect", list, wrong_region, Correction::region},
    {307, "Redirect", list, wrong_region, Correction::region},
    {400, "AuthorizationHeaderMalformed", list, wrong_region, Correction::region},
    {400, "IllegalLocationConstraintException", list, wrong_region, Correction::region},
    {400, "InvalidRegion", list, wrong_region, Correction::region},

    {403, "InvalidObjectState", get, archived},
    {412, "PreconditionFailed", get, changed},
    {416, "InvalidRange", get, changed},
    {400, "KMS.DisabledException", get, denied},
    {403, "KMS.NotFoundException", get, denied},
    {400, "InvalidRequest", get, denied},
    {405, "MethodNotAllowed", get, unsupported, Correction::drop_feature},
    {501, "NotImplemented", list, unsupported, Correction::drop_feature},
    {400, "InvalidBucketName", list, usage},

    // Without a code.
    {404, "", head, missing_key},
    {301, "", head, wrong_region, Correction::region},
    {307, "", list, wrong_region, Correction::region},
    {308, "", list, wrong_region, Correction::region},
    {401, "", head, credentials},
    {400, "", head, invalid_answer, Correction::refresh_credentials},
    {403, "", head, denied, Correction::clock_if_far},
    {403, "", get, denied},
    {405, "", get, unsupported, Correction::drop_feature},
    {407, "", get, denied},
    {408, "", get, transient},
    {412, "", get, changed},
    {416, "", get, changed},
    {429, "", get, throttled},
    {501, "", get, unsupported, Correction::drop_feature},
    {500, "", get, transient},
    {502, "", get, transient},
    {503, "", head, transient},
    {504, "", list, transient},
    {599, "Unheard.Of", list, transient},
    {200, "", get, invalid_answer},
    {204, "", get, invalid_answer},
    {302, "", list, invalid_answer},  // a login page, as likely as not
    {304, "", get, invalid_answer},
    {400, "", list, invalid_answer},
    {400, "InvalidArgument", list, invalid_answer},
    {400, "InvalidRequest", list, invalid_answer},
    {409, "", list, invalid_answer},
    {600, "", list, invalid_answer},

    // Never a proof that a key is gone.
    {404, "", get, invalid_answer},
    {404, "", probe, invalid_answer},
    {404, "", list, invalid_answer},
    {404, "NoSuchKey", list, invalid_answer},
    {404, "NotFound", get, invalid_answer},
    {404, "NoSuchWebsiteConfiguration", probe, invalid_answer},
};

TEST(ErrorTable, EveryCase) {
  for (const Case& one : kCases) {
    const ErrorRow& row = error_row(one.status, one.code, one.operation);
    EXPECT_EQ(to_string(row.kind), to_string(one.kind)) << one.status << ' ' << one.code;
    EXPECT_EQ(row.correction, one.correction) << one.status << ' ' << one.code;
    EXPECT_EQ(classify(one.status, one.code, one.operation), one.kind);
  }
}

TEST(ErrorTable, EveryRowHasACase) {
  std::set<const ErrorRow*> met;
  for (const Case& one : kCases)
    met.insert(&error_row(one.status, one.code, one.operation));
  for (const ErrorRow& row : error_table())
    EXPECT_TRUE(met.contains(&row)) << row.first_status << ' ' << row.code;
}

TEST(ErrorTable, TheLastRowFitsEverything) {
  for (const Operation operation : {list, head, get, probe}) {
    for (int status = -1; status < 1000; ++status)
      (void)classify(status, "\xff*", operation);
  }
}

TEST(ErrorTable, OnlyNoSuchKeyProvesAKeyMissing) {
  for (const Operation operation : {list, get, probe}) {
    for (int status = 100; status < 600; ++status)
      EXPECT_NE(classify(status, "", operation), missing_key) << status;
  }
}

TEST(ErrorDocument, Fields) {
  const ErrorDocument document = parse_error_document(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AuthorizationHeaderMalformed</Code>"
      "<Message>the region 'us-east-1' is wrong; expecting &lt;eu&gt;</Message>\n"
      "<Region>eu-west-1</Region><RequestId>1</RequestId></Error>");
  EXPECT_EQ(document.code, "AuthorizationHeaderMalformed");
  EXPECT_EQ(document.message, "the region 'us-east-1' is wrong; expecting <eu>");
  EXPECT_EQ(document.region, "eu-west-1");
}

TEST(ErrorDocument, PrefixesAndPieces) {
  const ErrorDocument document = parse_error_document(
      "\xef\xbb\xbf<e:Error xmlns:e='x'><e:Code>Slow<!--x-->Down</e:Code>"
      "<e:Message><![CDATA[a<b]]> c</e:Message></e:Error>");
  EXPECT_EQ(document.code, "SlowDown");
  EXPECT_EQ(document.message, "a<b c");
}

TEST(ErrorDocument, RegionOnlyIfItIsALabel) {
  const auto region = [](const std::string& text) {
    return parse_error_document("<Error><Code>C</Code><Region>" + text + "</Region></Error>")
        .region;
  };
  EXPECT_EQ(region("eu-west-1"), "eu-west-1");
  EXPECT_EQ(region("evil.example.com/"), "");
  EXPECT_EQ(region("a@b"), "");
  EXPECT_EQ(region(std::string(64, 'a')), "");
  EXPECT_EQ(region(""), "");
}

TEST(ErrorDocument, AnythingElseHasNoFields) {
  for (const std::string_view body :
       {"", "x", "<Error>", "<Error><Code>SlowDown</Code>", "<html><Code>SlowDown</Code></html>",
        "<Error><Code>SlowDown</Code></Error><Error/>", "<Error><Code>a&#0;b</Code></Error>",
        "<!DOCTYPE x><Error><Code>SlowDown</Code></Error>",
        "<ListBucketResult><Code>SlowDown</Code></ListBucketResult>",
        "<Error><Code>Slow Down!</Code></Error>", "{\"Code\":\"SlowDown\"}"}) {
    EXPECT_EQ(parse_error_document(body).code, "") << body;
  }
  std::string large = "<Error><Code>SlowDown</Code></Error>";
  large.resize(kMaxErrorBytes, ' ');
  EXPECT_EQ(parse_error_document(large).code, "SlowDown");
  EXPECT_EQ(parse_error_document(large + ' ').code, "");
}

TEST(ErrorDocument, FieldsAreBounded) {
  const ErrorDocument document = parse_error_document(
      "<Error><Code>C</Code><Message>" + std::string(10'000, 'm') + "</Message></Error>");
  EXPECT_EQ(document.message.size(), 512U);
}

TEST(ErrorDocument, RecordedAnswers) {
  const auto path = uncommitted_file("s3-xml-botocore/errors/s3-list-objects.xml");
  if (!path) GTEST_SKIP() << "SLUICE_VECTORS has no s3-xml-botocore";
  const std::vector<char> body = read_bytes(*path);
  const ErrorDocument document = parse_error_document({body.data(), body.size()});
  EXPECT_EQ(document.code, "AccessDenied");
  EXPECT_EQ(document.message, "Access Denied");
}

}  // namespace
}  // namespace sluice::s3

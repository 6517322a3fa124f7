// S3 errors as answers.
#pragma once

#include "origin/message.hpp"

#include <string>
#include <string_view>

namespace sluice::origin {

struct S3Error {
  int status = 500;
  std::string code;
  std::string message = {};
  // Further elements of the body: Key, BucketName, Region, …
  Headers details = {};
};

// The status S3 gives with `code`; 400 for codes not known here.
int status_of(std::string_view code);

// With no message given, the one S3 uses. status 0: the code's own.
S3Error make_error(std::string code, std::string message = {});

// `request_id` is the answer's x-amz-request-id.
Response to_response(const S3Error& error, std::string_view request_id);

}  // namespace sluice::origin

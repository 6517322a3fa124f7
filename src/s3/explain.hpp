#pragma once

#include "base/result.hpp"
#include "s3/client.hpp"
#include "s3/errors.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::s3 {

/// All that is known of a request that the service answered with an error.
struct Failure {
  Operation operation = Operation::list;
  std::string_view subject;  ///< the key, or the prefix of a listing
  int status = 0;
  ErrorKind kind = ErrorKind::transient;
  ErrorDocument document;
  std::string region;                        ///< the bucket's own, if the answer said so
  std::optional<std::int64_t> skew_seconds;  ///< server time minus ours, as this answer showed it
  std::string credentials_name;              ///< where the credentials came from
  std::chrono::milliseconds retry_after{0};
};

/// "cannot get key k of bucket b at https://… (region r)".
std::string attempted(const Session& session, Operation operation, std::string_view subject);

/// The error for a person: what was tried, what the service said, what to do.
Error explain(const Session& session, const Failure& failure);

/// The IAM policy that lets an identity mirror the session's bucket: JSON of several lines; empty
/// for an access point, whose resources have other names.
std::string iam_policy(const Session& session);

}  // namespace sluice::s3

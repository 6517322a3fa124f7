#pragma once

#include "s3/client.hpp"
#include "s3/explain.hpp"

#include <string>

namespace sluice::s3 {

/// What else may be the reason for a refusal, given the options of this run: to follow what
/// `explain` says. "; …", or empty. Pure.
///
///   - 403 while --expected-bucket-owner is given: the bucket may be another account's
///   - 403 of an object while an SSE-C key is sent: it may be the wrong key
///   - 400 InvalidRequest of an object: it may want an SSE-C key, or be sent one in vain
std::string hint(const SessionOptions& options, const Failure& failure);

}  // namespace sluice::s3

// Which S3 operation a request asks for.
#pragma once

#include "origin/message.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::origin {

enum class Operation { list, head_bucket, bucket_location, head, get, other };

// "list", "head_bucket", "bucket_location", "head", "get", "other".
std::string_view name_of(Operation operation);
std::optional<Operation> operation_named(std::string_view name);

// The query, decoded. Of a name given twice the last value counts.
using Query = std::map<std::string, std::string, std::less<>>;

struct Route {
  Operation operation = Operation::other;
  std::string bucket;  // decoded; empty: none named
  std::string key;     // decoded
  Query query;
  bool readable = true;  // false: the target has a broken escape
};

// `bucket_names` tells a virtual-host name (bucket.anything) from a plain host. A host under
// ".localhost" or ".s3.localhost" is always one.
Route route_request(const Request& request, const std::vector<std::string>& bucket_names);

}  // namespace sluice::origin

// Which S3 operation a request asks for.
#pragma once

#include "origin/message.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::origin {

enum class Operation {
  list,
  head_bucket,
  bucket_location,
  head,
  get,
  other,
  // Not of S3: credential_services.hpp.
  instance,
  container,
  sts,
  sso,
  oidc,
};

constexpr bool is_credential_service(Operation operation) {
  return operation > Operation::other;
}

// "list", "head_bucket", "bucket_location", "head", "get", "other", "imds", "container", …
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

// False if an escape is broken.
bool parse_query(std::string_view raw, Query& into);

// `bucket_names` tells a virtual-host name (bucket.anything) from a plain host. A host under
// ".localhost" or ".s3.localhost" is always one.
Route route_request(const Request& request, const std::vector<std::string>& bucket_names);

}  // namespace sluice::origin

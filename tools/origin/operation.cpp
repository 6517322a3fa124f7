#include "origin/operation.hpp"

#include "origin/encoding.hpp"

namespace sluice::origin {
namespace {

constexpr std::string_view kNames[] = {"list",  "head_bucket", "bucket_location", "head", "get",
                                       "other", "imds",        "container",       "sts",  "sso",
                                       "oidc"};

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

// The bucket named by the host, or an empty name if the path names it.
std::string virtual_host_bucket(const Request& request, const std::vector<std::string>& names) {
  const std::string* const header = find_header(request.headers, "Host");
  if (header == nullptr) return {};
  const std::string_view host = without_port(*header);
  std::string best;
  for (const std::string& name : names) {
    const bool named = host.size() > name.size() && host.starts_with(name) &&
                       host[name.size()] == '.' && name.size() > best.size();
    if (named) best = name;
  }
  for (const std::string_view suffix : {".s3.localhost", ".localhost"}) {
    if (best.empty() && host.ends_with(suffix)) best = host.substr(0, host.size() - suffix.size());
  }
  return best;
}

// Sub-resources that read something we do not keep; answered NotImplemented, as other methods are.
bool names_subresource(const Query& query) {
  for (const std::string_view name :
       {"acl", "attributes", "cors", "encryption", "lifecycle", "logging", "object-lock", "policy",
        "replication", "tagging", "torrent", "uploads", "uploadId", "versioning", "versions",
        "versionId", "website"}) {
    if (query.contains(name)) return true;
  }
  return false;
}

Operation operation_of(const Request& request, const Route& route) {
  const bool head = request.method == "HEAD";
  if ((!head && request.method != "GET") || route.bucket.empty()) return Operation::other;
  if (names_subresource(route.query)) return Operation::other;
  if (!route.key.empty()) return head ? Operation::head : Operation::get;
  if (head) return Operation::head_bucket;
  if (route.query.contains("location")) return Operation::bucket_location;
  return Operation::list;
}

}  // namespace

std::string_view name_of(Operation operation) {
  return kNames[static_cast<std::size_t>(operation)];
}

std::optional<Operation> operation_named(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    if (kNames[i] == name) return static_cast<Operation>(i);
  }
  return std::nullopt;
}

bool parse_query(std::string_view raw, Query& into) {
  while (!raw.empty()) {
    const std::size_t end = raw.find('&');
    const std::string_view item = raw.substr(0, end);
    raw = end == std::string_view::npos ? std::string_view() : raw.substr(end + 1);
    const std::size_t equal = item.find('=');
    const auto name = query_decode(item.substr(0, equal));
    const auto value =
        query_decode(equal == std::string_view::npos ? std::string_view() : item.substr(equal + 1));
    if (!name || !value) return false;
    into.insert_or_assign(*name, *value);
  }
  return true;
}

Route route_request(const Request& request, const std::vector<std::string>& bucket_names) {
  Route route;
  std::string_view path = request.raw_path();
  if (path.starts_with('/')) path.remove_prefix(1);
  route.bucket = virtual_host_bucket(request, bucket_names);
  if (route.bucket.empty()) {
    const std::size_t slash = path.find('/');
    const auto name = uri_decode(path.substr(0, slash));
    route.readable = name.has_value();
    route.bucket = name.value_or("");
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  const auto key = uri_decode(path);
  route.key = key.value_or("");
  route.readable = route.readable && key && parse_query(request.raw_query(), route.query);
  route.operation = operation_of(request, route);
  return route;
}

}  // namespace sluice::origin

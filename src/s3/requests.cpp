#include "s3/requests.hpp"

#include "base/text.hpp"
#include "base/time.hpp"
#include "s3/etag.hpp"

#include <algorithm>
#include <utility>

namespace sluice::s3 {

namespace {

constexpr unsigned kMaxKeys = 1000;  // API reference, ListObjectsV2: the most that S3 returns

/// The signer encodes paths itself, so a base path is taken back to raw bytes.
std::string bucket_path(const Place& place) {
  std::string path =
      text::uri_decoded(place.endpoint.base_path, text::Plus::literal).value_or(std::string());
  if (place.is_path_style) {
    path += '/';
    path += place.bucket;
  }
  return path;
}

std::string object_path(const Place& place, std::string_view key) {
  std::string path = bucket_path(place);
  path += '/';
  path += key;
  return path;
}

Draft draft_for(const Place& place, RequestKind kind, http::Method method, std::string path) {
  Draft draft;
  draft.kind = kind;
  draft.method = method;
  draft.path = std::move(path);
  if (draft.path.empty()) draft.path = "/";
  draft.headers.emplace_back("host", place.endpoint.host_header());
  if (place.request_payer) draft.headers.emplace_back("x-amz-request-payer", "requester");
  if (!place.expected_bucket_owner.empty())
    draft.headers.emplace_back("x-amz-expected-bucket-owner", place.expected_bucket_owner);
  return draft;
}

/// A request for one object, which may be encrypted with a key of the customer's.
Draft object_draft(const Place& place, RequestKind kind, http::Method method,
                   std::string_view key) {
  Draft draft = draft_for(place, kind, method, object_path(place, key));
  if (!place.customer_key) return draft;
  const std::string name = "x-amz-server-side-encryption-customer-";
  draft.headers.emplace_back(name + "algorithm", "AES256");
  draft.headers.emplace_back(name + "key", place.customer_key->base64());
  draft.headers.emplace_back(name + "key-md5", place.customer_key->md5_base64());
  return draft;
}

void ask_for_checksum(Draft& draft, const Place& place) {
  if (!place.checksum_mode) return;
  draft.headers.emplace_back("x-amz-checksum-mode", "ENABLED");
  draft.features.push_back(Feature::checksum_mode);
}

void ask_for_version(Draft& draft, const Place& place, const Version& version) {
  if (!version.etag.empty()) {
    if (!place.if_match) return;
    draft.headers.emplace_back("if-match", quoted_etag(version.etag));
    draft.features.push_back(Feature::if_match);
  } else if (version.modified_ms > 0) {
    // Rounded up: servers that keep milliseconds compare them with the header's whole second.
    draft.headers.emplace_back("if-unmodified-since",
                               dates::format_http((version.modified_ms + 999) / 1000));
  }
}

constexpr char kMarkerSign = '\0';

bool uses_list_v2(const Session& session) noexcept {
  const ListVersions versions = session.options().list_versions;
  if (versions != ListVersions::automatic) return versions == ListVersions::only_2;
  return session.uses(Feature::list_v2);
}

std::string range_header(const ByteRange& range) {
  return "bytes=" + std::to_string(range.offset()) + "-" + std::to_string(range.last());
}

}  // namespace

Place::Place(const Session& session) : Place(session, session.endpoint()) {}

Place::Place(const Session& session, aws::S3Endpoint where)
    : region(std::move(where.signing_region)),
      endpoint(std::move(where.url)),
      bucket(session.options().bucket),
      is_path_style(where.is_path_style),
      request_payer(session.options().request_payer),
      expected_bucket_owner(session.options().expected_bucket_owner),
      customer_key(session.options().customer_key),
      checksum_mode(session.uses(Feature::checksum_mode)),
      optional_attributes(session.is_aws() && session.uses(Feature::optional_attributes)),
      if_match(session.uses(Feature::if_match)),
      list_v2(uses_list_v2(session)),
      may_fall_back(!session.is_aws() &&
                    session.options().list_versions == ListVersions::automatic) {}

std::string token_of_marker(std::string_view marker) {
  return kMarkerSign + std::string(marker);
}

std::optional<std::string_view> marker_of(std::string_view token) noexcept {
  if (!token.starts_with(kMarkerSign)) return std::nullopt;
  return token.substr(1);
}

ListVersion list_version(const Place& place, const store::ListRequest& request) noexcept {
  const bool is_two = request.token.empty() ? place.list_v2 : !marker_of(request.token);
  return is_two ? ListVersion::two : ListVersion::one;
}

Draft list_draft(const Place& place, const store::ListRequest& request) {
  Draft draft = draft_for(place, RequestKind::list, http::Method::get, bucket_path(place));
  const bool is_two = list_version(place, request) == ListVersion::two;
  if (is_two) draft.query.emplace_back("list-type", "2");
  draft.query.emplace_back("encoding-type", "url");
  draft.query.emplace_back("max-keys", std::to_string(std::clamp(request.max_keys, 1U, kMaxKeys)));
  if (!request.prefix.empty()) draft.query.emplace_back("prefix", request.prefix);
  if (!request.delimiter.empty()) draft.query.emplace_back("delimiter", request.delimiter);
  if (const auto marker = marker_of(request.token)) {
    draft.query.emplace_back("marker", *marker);
  } else if (!request.token.empty()) {
    draft.query.emplace_back("continuation-token", request.token);
  } else if (!request.start_after.empty()) {
    draft.query.emplace_back(is_two ? "start-after" : "marker", request.start_after);
  }
  // A token means nothing in the other version.
  if (is_two && place.may_fall_back && request.token.empty())
    draft.features.push_back(Feature::list_v2);
  if (place.optional_attributes) {
    draft.headers.emplace_back("x-amz-optional-object-attributes", "RestoreStatus");
    draft.features.push_back(Feature::optional_attributes);
  }
  return draft;
}

Draft head_draft(const Place& place, const store::HeadRequest& request) {
  Draft draft = object_draft(place, RequestKind::head, http::Method::head, request.key);
  if (request.want_checksum) ask_for_checksum(draft, place);
  if (request.part != 0) draft.query.emplace_back("partNumber", std::to_string(request.part));
  return draft;
}

Draft get_draft(const Place& place, const store::GetRequest& request) {
  Draft draft = object_draft(place, RequestKind::get, http::Method::get, request.key);
  if (request.range) {
    draft.headers.emplace_back("range", range_header(*request.range));
  } else if (request.want_checksum) {
    ask_for_checksum(draft, place);
  }
  ask_for_version(draft, place, request.version);
  return draft;
}

Draft probe_draft(const Place& place, std::string_view key) {
  Draft draft = object_draft(place, RequestKind::probe, http::Method::get, key);
  draft.headers.emplace_back("range", "bytes=0-0");
  return draft;
}

Draft bucket_draft(const Place& place) {
  return draft_for(place, RequestKind::probe, http::Method::head, bucket_path(place));
}

}  // namespace sluice::s3

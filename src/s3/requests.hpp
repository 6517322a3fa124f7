#pragma once

#include "http/message.hpp"
#include "s3/client.hpp"
#include "s3/errors.hpp"
#include "s3/list_page.hpp"
#include "store/object_store.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The first of three steps (build, send, interpret): what to ask, as pure functions.
namespace sluice::s3 {

/// Where one attempt goes, and which optional parts of the protocol it may use. Taken anew from the
/// session for every attempt, since a correction changes it.
struct Place {
  explicit Place(const Session& session);
  Place(const Session& session, aws::S3Endpoint where);
  void leave_out_features() noexcept {
    checksum_mode = optional_attributes = if_match = false;
    list_v2 = list_v2 && !may_fall_back;
  }

  std::string region;
  http::Url endpoint;
  std::string bucket;
  bool is_path_style;
  bool request_payer;
  std::string expected_bucket_owner;
  CustomerKeyPtr customer_key;
  bool checksum_mode;
  bool optional_attributes;
  bool if_match;
  bool list_v2;
  bool may_fall_back;  ///< to version 1 of ListObjects
};

/// A request before it is encoded and signed.
struct Draft {
  RequestKind kind = RequestKind::list;
  http::Method method = http::Method::get;
  std::string path;                                          ///< raw bytes
  std::vector<std::pair<std::string, std::string>> query;    ///< raw
  std::vector<std::pair<std::string, std::string>> headers;  ///< to be signed, host included
  std::vector<Feature> features;                             ///< that it uses
};

/// The next_token of a page of version 1, as the engine sees it: no token of version 2 can be taken
/// for one, since XML has no NUL. So a listing goes on in the version in which it was begun.
std::string token_of_marker(std::string_view marker);
/// The marker in such a token; nullopt: it is one of version 2.
std::optional<std::string_view> marker_of(std::string_view token) noexcept;

/// In which version to ask: that of the token, else that of the place.
ListVersion list_version(const Place& place, const store::ListRequest& request) noexcept;
Draft list_draft(const Place& place, const store::ListRequest& request);
Draft head_draft(const Place& place, const store::HeadRequest& request);
Draft get_draft(const Place& place, const store::GetRequest& request);
/// GET of bytes=0-0: whether the key is there.
Draft probe_draft(const Place& place, std::string_view key);
/// HEAD of the bucket: where it is.
Draft bucket_draft(const Place& place);

}  // namespace sluice::s3

// ListObjectsV2, and version 1 of it on demand: a page is worked out as a value, may then be spoilt
// by faults, and is written last.
#pragma once

#include "origin/bucket.hpp"
#include "origin/operation.hpp"
#include "origin/server.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::origin {

struct ListPage {
  std::string bucket;
  std::string prefix;
  std::optional<std::string> delimiter = {};
  std::optional<std::string> start_after = {};
  bool is_version_1 = false;               // then the three below stay empty
  std::optional<std::string> marker = {};  // only of version 1
  std::optional<std::string> next_marker = {};
  std::optional<std::string> token = {};       // the one asked with
  std::optional<std::string> next_token = {};  // absent: no element
  std::optional<bool> is_truncated = false;    // absent: no element
  std::size_t max_keys = 1000;
  std::size_t key_count = 0;
  bool url_encoding = false;    // <EncodingType>url</EncodingType> and encoded names
  bool restore_status = false;  // asked with x-amz-optional-object-attributes
  std::vector<ObjectInfo> objects = {};
  std::vector<std::string> common_prefixes = {};
};

// The S3 error for parameters that cannot be.
struct ListError {
  std::string code;
  std::string message;
};

struct ListOptions {
  Lists lists = Lists::version_2;
  std::size_t page_size = 1000;  // a page holds at most this, whatever max-keys asks for
};

std::variant<ListPage, ListError> list_page(Bucket& bucket, const Route& route,
                                            const ListOptions& options);

std::string to_xml(const ListPage& page);

}  // namespace sluice::origin

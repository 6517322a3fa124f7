#include "origin/listing.hpp"

#include "origin/dates.hpp"
#include "origin/encoding.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::origin {
namespace {

constexpr std::size_t kMaxKeys = 1000;

// A token is opaque to clients: base64 of a check value and the first key bytes of the next page.
// Base64 on purpose: `+`, `/` and `=` must survive the client's query encoding.
std::string make_token(std::string_view from) {
  const std::string check = sha256(from).substr(0, 6);
  return base64_encode(check + std::string(from));
}

std::optional<std::string> open_token(std::string_view token) {
  const auto bytes = base64_decode(token);
  if (!bytes || bytes->size() < 6) return std::nullopt;
  std::string from = bytes->substr(6);
  if (sha256(from).substr(0, 6) != bytes->substr(0, 6)) return std::nullopt;
  return from;
}

// The smallest text above every text that starts with `prefix`; nothing if there is none.
std::optional<std::string> after_prefix(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF)
    prefix.pop_back();
  if (prefix.empty()) return std::nullopt;
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

std::optional<std::string> value_of(const Query& query, std::string_view name) {
  const auto found = query.find(name);
  if (found == query.end()) return std::nullopt;
  return found->second;
}

std::optional<std::size_t> parse_max_keys(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::min(value, kMaxKeys);
}

// Walks the bucket from `from` until the page is full or the prefix ends. Sets the next token.
class PageFill {
 public:
  PageFill(Bucket& bucket, ListPage& page, std::size_t limit)
      : bucket_(bucket), page_(page), limit_(limit) {}

  void run(std::optional<std::string> from) {
    while (from)
      from = step(*from);
  }

 private:
  // Handles one batch; the place to go on from, or nothing when the page is finished.
  std::optional<std::string> step(const std::string& from) {
    // One more than fits, to know whether the page is truncated.
    std::vector<ObjectInfo> batch = bucket_.list_from(from, limit_ - page_.key_count + 1);
    if (batch.empty()) return std::nullopt;
    std::string next;
    for (ObjectInfo& info : batch) {
      if (!std::string_view(info.key).starts_with(page_.prefix)) return std::nullopt;
      if (page_.key_count == limit_) {
        page_.is_truncated = true;
        if (!page_.is_version_1) page_.next_token = make_token(last_);
        if (page_.is_version_1 && page_.delimiter) page_.next_marker = last_name_;
        return std::nullopt;
      }
      ++page_.key_count;
      const auto group = group_of(info.key);
      if (group) {
        page_.common_prefixes.push_back(*group);
        last_name_ = *group;
        const auto beyond = after_prefix(*group);
        last_ = beyond.value_or(*group);
        return beyond;  // every other key of the group is skipped
      }
      last_name_ = info.key;
      next = last_ = info.key + '\0';
      page_.objects.push_back(std::move(info));
    }
    return next;
  }

  std::optional<std::string> group_of(const std::string& key) const {
    if (!page_.delimiter || page_.delimiter->empty()) return std::nullopt;
    const std::size_t at = key.find(*page_.delimiter, page_.prefix.size());
    if (at == std::string::npos) return std::nullopt;
    return key.substr(0, at + page_.delimiter->size());
  }

  Bucket& bucket_;
  ListPage& page_;
  std::size_t limit_;
  std::string last_;
  std::string last_name_;  // the key, or the group
};

// Where a listing begins that goes on after `marker`: a group's name stands for all its keys.
std::string place_after(const ListPage& page, const std::string& marker) {
  const bool is_group = page.delimiter && !page.delimiter->empty() &&
                        marker.size() > page.prefix.size() && marker.ends_with(*page.delimiter);
  return is_group ? after_prefix(marker).value_or(marker) : marker + '\0';
}

// Why the server does not know this version; and whether it is version 1.
std::optional<ListError> check_version(const Query& query, Lists lists) {
  const bool is_two = value_of(query, "list-type").value_or("") == "2";
  if (lists == Lists::version_2 && !is_two) {
    return ListError{"NotImplemented", "This server lists only with list-type=2."};
  }
  if (lists == Lists::version_1 && is_two) {
    return ListError{"NotImplemented", "This server does not know list-type=2."};
  }
  return std::nullopt;
}

void append_element(std::string& out, std::string_view name, std::string_view value) {
  out.append("<").append(name).append(">").append(value).append("</").append(name).append(">");
}

std::string shown(const ListPage& page, std::string_view name) {
  return page.url_encoding ? listing_encode(name) : xml_escape(name);
}

void append_object(std::string& out, const ListPage& page, const ObjectInfo& info) {
  out += "<Contents>";
  append_element(out, "Key", shown(page, info.key));
  append_element(out, "LastModified", iso_date(info.modified_ms));
  append_element(out, "ETag", xml_escape(info.etag));
  if (info.checksum) {
    append_element(out, "ChecksumAlgorithm", listing_name(info.checksum->algorithm));
    const bool full = info.checksum->type == ChecksumType::full_object;
    append_element(out, "ChecksumType", full ? "FULL_OBJECT" : "COMPOSITE");
  }
  append_element(out, "Size", std::to_string(info.size));
  append_element(out, "StorageClass", info.storage_class);
  if (page.restore_status && info.restored_until_ms) {
    out += "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>";
    append_element(out, "RestoreExpiryDate", iso_date(*info.restored_until_ms));
    out += "</RestoreStatus>";
  }
  out += "</Contents>";
}

}  // namespace

std::variant<ListPage, ListError> list_page(Bucket& bucket, const Route& route,
                                            const ListOptions& options) {
  const Query& query = route.query;
  if (auto unknown = check_version(query, options.lists)) return *std::move(unknown);
  ListPage page;
  page.is_version_1 = options.lists != Lists::version_2;
  page.bucket = route.bucket;
  page.prefix = value_of(query, "prefix").value_or("");
  page.delimiter = value_of(query, "delimiter");
  if (page.is_version_1) {
    page.marker = value_of(query, "marker");
  } else {
    page.start_after = value_of(query, "start-after");
    page.token = value_of(query, "continuation-token");
  }
  const std::string encoding = value_of(query, "encoding-type").value_or("");
  if (!encoding.empty() && encoding != "url") {
    return ListError{"InvalidArgument", "Invalid Encoding Method specified in Request"};
  }
  page.url_encoding = encoding == "url";
  if (const auto text = value_of(query, "max-keys")) {
    const auto max_keys = parse_max_keys(*text);
    if (!max_keys) {
      return ListError{"InvalidArgument", "Provided max-keys not an integer or within range"};
    }
    page.max_keys = *max_keys;
  }

  std::string from = page.prefix;
  if (page.token) {
    const auto place = open_token(*page.token);
    if (!place) return ListError{"InvalidArgument", "The continuation token provided is incorrect"};
    from = *place;
  } else {
    bucket.refresh();
    if (page.start_after) from = std::max(from, *page.start_after + '\0');
    if (page.marker) from = std::max(from, place_after(page, *page.marker));
  }
  const std::size_t limit = std::min(page.max_keys, std::max<std::size_t>(options.page_size, 1));
  if (limit > 0) PageFill(bucket, page, limit).run(from);
  return page;
}

std::string to_xml(const ListPage& page) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  out.reserve(512 + page.objects.size() * 320);
  append_element(out, "Name", xml_escape(page.bucket));
  append_element(out, "Prefix", shown(page, page.prefix));
  if (page.start_after) append_element(out, "StartAfter", shown(page, *page.start_after));
  if (page.token) append_element(out, "ContinuationToken", xml_escape(*page.token));
  if (page.next_token) append_element(out, "NextContinuationToken", xml_escape(*page.next_token));
  if (page.is_version_1) append_element(out, "Marker", shown(page, page.marker.value_or("")));
  if (page.next_marker) append_element(out, "NextMarker", shown(page, *page.next_marker));
  if (!page.is_version_1) append_element(out, "KeyCount", std::to_string(page.key_count));
  append_element(out, "MaxKeys", std::to_string(page.max_keys));
  if (page.delimiter) append_element(out, "Delimiter", shown(page, *page.delimiter));
  if (page.url_encoding) append_element(out, "EncodingType", "url");
  if (page.is_truncated) append_element(out, "IsTruncated", *page.is_truncated ? "true" : "false");
  for (const ObjectInfo& info : page.objects)
    append_object(out, page, info);
  for (const std::string& prefix : page.common_prefixes) {
    out += "<CommonPrefixes>";
    append_element(out, "Prefix", shown(page, prefix));
    out += "</CommonPrefixes>";
  }
  out += "</ListBucketResult>";
  return out;
}

}  // namespace sluice::origin

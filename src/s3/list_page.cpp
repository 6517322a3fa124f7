#include "s3/list_page.hpp"

#include "base/text.hpp"
#include "base/time.hpp"
#include "s3/error_fields.hpp"
#include "s3/errors.hpp"
#include "s3/etag.hpp"
#include "s3/page_fields.hpp"
#include "s3/xml_rules.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

namespace sluice::s3 {

namespace {

constexpr std::size_t kMaxObjects = 10'000;
constexpr std::size_t kMaxKeyBytes = 1024;  ///< AWS S3 user guide, "Naming Amazon S3 objects"
/// A token comes back in the request line, for which servers commonly allow 8 KiB and more.
constexpr std::size_t kMaxTokenBytes = 16 * 1024;
/// A `<Contents>` without owner and checksum fields is longer than this.
constexpr std::size_t kTypicalObjectBytes = 200;

/// Nothing may be dropped silently: blank text is a key, a comment can split one, and what stands
/// beside the root element must be seen. No parse_eol: a key is stored under its own bytes.
constexpr unsigned kParseFlags = pugi::parse_escapes | pugi::parse_cdata | pugi::parse_comments |
                                 pugi::parse_pi | pugi::parse_declaration | pugi::parse_doctype |
                                 pugi::parse_ws_pcdata | pugi::parse_embed_pcdata |
                                 pugi::parse_fragment;

/// Turns a parsed document into a ListPage. `problem` says why the page is refused.
class PageReader {
 public:
  PageReader(ListPage& page, const ListExpectation& expectation)
      : page_(page), expectation_(expectation) {}

  bool read(pugi::xml_node root) {
    return read_members(root) && check_echoes() && finish_truncation() && decode_keys() &&
           check_keys() && (expectation_.version == ListVersion::two || finish_marker());
  }

  std::string problem;
  bool is_version_1 = false;  ///< that is the problem

 private:
  bool refuse(std::string_view why) {
    problem = why;
    return false;
  }

  /// A leaf's text, joined in place if comments or CDATA split it; nullopt if elements are inside.
  std::optional<std::string_view> text_of(pugi::xml_node leaf) {
    const char* value = leaf.value();
    if (leaf.first_child().empty()) return std::string_view(value);
    char* const begin = writable(value);
    char* end = begin == nullptr ? nullptr : begin + std::strlen(begin);
    char* start = begin;
    for (pugi::xml_node piece : leaf.children()) {
      if (piece.type() == pugi::node_element) return std::nullopt;
      if (piece.type() != pugi::node_pcdata && piece.type() != pugi::node_cdata) continue;
      const std::size_t length = std::strlen(piece.value());
      if (length == 0) continue;
      char* const from = writable(piece.value());
      if (start == nullptr) start = end = from;
      std::memmove(end, from, length);
      end += length;
    }
    if (start == nullptr) return std::string_view{};
    return std::string_view(start, static_cast<std::size_t>(end - start));
  }

  /// Texts lie in the page's own buffer; pugixml hands them out as const.
  char* writable(const char* text) noexcept {
    if (*text == '\0') return nullptr;
    return page_.buffer.data() + (text - page_.buffer.data());
  }

  bool set_once(std::optional<std::string_view>& field, pugi::xml_node leaf) {
    if (field) return refuse("an element is given twice");
    field = text_of(leaf);
    return field.has_value() || refuse("there are elements where text is expected");
  }

  bool read_members(pugi::xml_node root) {
    page_.objects.reserve(
        std::min(page_.buffer.size() / kTypicalObjectBytes + 1, std::size_t{1000}));
    if (!xml::is_blank(root.value())) return refuse("there is text between its elements");
    for (pugi::xml_node node = root.first_child(); node; node = node.next_sibling()) {
      if (node.type() != pugi::node_element) {
        if (node.type() == pugi::node_pcdata && xml::is_blank(node.value())) continue;
        if (node.type() == pugi::node_comment) continue;
        return refuse("there is text between its elements");
      }
      if (!read_member(node)) return false;
    }
    return true;
  }

  bool read_member(pugi::xml_node node) {
    switch (page_field(node.name())) {
      case PageField::contents:
        return read_object(node);
      case PageField::common_prefixes:
        return read_common_prefix(node);
      case PageField::name:
        return set_once(name_, node);
      case PageField::prefix:
        return set_once(prefix_, node);
      case PageField::encoding_type:
        return set_once(encoding_type_, node);
      case PageField::is_truncated:
        return set_once(is_truncated_, node);
      case PageField::next_token:
        return set_once(next_token_, node);
      case PageField::key_count:
        return set_once(key_count_, node);
      case PageField::marker:
        return set_once(marker_, node);
      case PageField::next_marker:
        return set_once(next_marker_, node);
      case PageField::other:
        return true;
    }
    return true;
  }

  bool read_object(pugi::xml_node contents) {
    if (page_.objects.size() == kMaxObjects) return refuse("it lists more than 10,000 keys");
    ObjectFields fields;
    for (pugi::xml_node node = contents.first_child(); node; node = node.next_sibling()) {
      if (node.type() == pugi::node_element && !read_object_field(node, fields)) return false;
    }
    if (!fields.key || fields.key->empty()) return refuse("an object has no key");
    if (!fields.size) return refuse("an object has no size");
    ListedObject& object = page_.objects.emplace_back();
    object.key = *fields.key;
    if (fields.etag) object.etag = unquoted_etag(*fields.etag);
    const std::optional<std::uint64_t> size = text::parse_uint(*fields.size);
    // The largest that a file, or a column of the record, can hold.
    if (!size || *size > std::numeric_limits<std::int64_t>::max()) {
      return refuse("the size of key " + text::escaped(object.key) + " is no number of bytes");
    }
    object.size = *size;
    if (fields.last_modified) {
      const std::optional<std::int64_t> modified = parse_s3_date(*fields.last_modified);
      if (!modified) {
        return refuse("LastModified of key " + text::escaped(object.key) + " is no date");
      }
      object.modified_ms = *modified;
    }
    object.has_checksum = fields.has_checksum;
    object.full_object_checksum = fields.checksum_type == "FULL_OBJECT";
    const bool archive =
        fields.storage_class == "GLACIER" || fields.storage_class == "DEEP_ARCHIVE";
    if (archive && !fields.restored) object.storage = StorageClass::archived;
    return true;
  }

  struct ObjectFields {
    std::optional<std::string_view> key, etag, size, last_modified, storage_class, checksum_type;
    bool has_checksum = false;
    bool restored = false;
  };

  bool read_object_field(pugi::xml_node node, ObjectFields& fields) {
    switch (object_field(node.name())) {
      case ObjectField::key:
        return set_once(fields.key, node);
      case ObjectField::last_modified:
        return set_once(fields.last_modified, node);
      case ObjectField::etag:
        return set_once(fields.etag, node);
      case ObjectField::size:
        return set_once(fields.size, node);
      case ObjectField::storage_class:
        return set_once(fields.storage_class, node);
      case ObjectField::checksum_algorithm:
        fields.has_checksum = true;
        return true;
      case ObjectField::checksum_type:
        return set_once(fields.checksum_type, node);
      case ObjectField::restore_status:
        fields.restored = is_restored(node);
        return true;
      case ObjectField::contents:
        return refuse("an object stands inside an object");
      case ObjectField::other:
        return true;
    }
    return true;
  }

  /// Readable for now: the restore has ended and its copy has not expired.
  bool is_restored(pugi::xml_node status) {
    bool in_progress = true;
    std::optional<std::int64_t> expires_ms;
    for (pugi::xml_node node : status.children()) {
      const std::string_view name = xml::local_name(node.name());
      const std::string_view value = text_of(node).value_or(std::string_view{});
      if (name == "IsRestoreInProgress") in_progress = !text::iequals(value, "false");
      if (name == "RestoreExpiryDate") expires_ms = dates::parse_iso_ms(value);
    }
    return !in_progress && expires_ms && *expires_ms > expectation_.now_ms;
  }

  bool read_common_prefix(pugi::xml_node node) {
    for (pugi::xml_node child : node.children()) {
      if (xml::local_name(child.name()) != "Prefix") continue;
      if (page_.common_prefixes.size() == kMaxObjects) return refuse("it lists too many prefixes");
      const std::optional<std::string_view> prefix = text_of(child);
      if (!prefix) return refuse("there are elements where text is expected");
      page_.common_prefixes.push_back(*prefix);
    }
    return true;
  }

  bool check_echoes() {
    if (encoding_type_ && !encoding_type_->empty()) {
      if (*encoding_type_ != "url") return refuse("its encoding type is not url");
      is_url_encoded_ = true;
    }
    if (name_ && !expectation_.bucket.empty() && *name_ != expectation_.bucket) {
      return refuse("it is of bucket " + text::escaped(*name_));
    }
    // Ceph RGW echoes the prefix undecoded beside encoded keys; the keys are checked in any case.
    if (!prefix_ || *prefix_ == expectation_.prefix) return true;
    if (is_url_encoded_ && text::uri_decoded(*prefix_, text::Plus::space) == expectation_.prefix) {
      return true;
    }
    return refuse("it is of prefix " + text::escaped(*prefix_) + ", which is not what was asked");
  }

  bool finish_truncation() {
    if (!is_truncated_) return refuse("it does not say whether it is complete (IsTruncated)");
    page_.truncated = text::iequals(*is_truncated_, "true");
    if (!page_.truncated && !text::iequals(*is_truncated_, "false")) {
      return refuse("its IsTruncated is neither true nor false");
    }
    if (expectation_.version == ListVersion::one) return true;
    // Whoever knows only version 1 ignores list-type, and start-after with it.
    const bool goes_unanswered = page_.truncated || !expectation_.start_after.empty();
    if (marker_ && !key_count_ && !next_token_ && goes_unanswered) {
      is_version_1 = true;
      return refuse("it is of version 1 (it has a Marker), but version 2 was asked for");
    }
    if (!page_.truncated) return true;
    if (!next_token_ || next_token_->empty()) {
      return refuse("more keys follow, but it has no NextContinuationToken");
    }
    if (*next_token_ == expectation_.token) {
      return refuse("it repeats the continuation token that was sent: it would never end");
    }
    if (next_token_->size() > kMaxTokenBytes) return refuse("its continuation token is too long");
    page_.next_token = *next_token_;
    return true;
  }

  /// Version 1: the key after which the next page begins.
  bool finish_marker() {
    if (!page_.truncated) return true;
    std::string_view next = next_marker_.value_or(std::string_view{});
    if (is_url_encoded_ && !decode_in_place(next)) return refuse_escape(next);
    if (next.empty()) {
      if (!page_.objects.empty()) next = page_.objects.back().key;
      if (!page_.common_prefixes.empty()) next = std::max(next, page_.common_prefixes.back());
    }
    if (next.empty()) return refuse("more keys follow, but it has neither a NextMarker nor a key");
    if (!check_key(next)) return false;
    if (next == expectation_.token || next == expectation_.start_after)
      return refuse("it ends with the key that it should go on after: it would never end");
    page_.next_token = next;
    return true;
  }

  bool decode_keys() {
    if (!is_url_encoded_) return true;
    for (ListedObject& object : page_.objects) {
      if (!decode_in_place(object.key)) return refuse_escape(object.key);
    }
    for (std::string_view& prefix : page_.common_prefixes) {
      if (!decode_in_place(prefix)) return refuse_escape(prefix);
    }
    return true;
  }

  bool refuse_escape(std::string_view key) {
    return refuse("key " + text::escaped(key) + " is not properly url-encoded");
  }

  bool decode_in_place(std::string_view& text) noexcept {
    if (text.find('%') == std::string_view::npos && text.find('+') == std::string_view::npos) {
      return true;
    }
    char* const begin = writable(text.data());
    const std::optional<std::size_t> length = url_decode({begin, text.size()});
    if (!length) return false;
    text = std::string_view(begin, *length);
    return true;
  }

  bool check_keys() {
    for (const ListedObject& object : page_.objects) {
      if (!check_key(object.key)) return false;
    }
    return std::ranges::all_of(page_.common_prefixes,
                               [this](std::string_view prefix) { return check_key(prefix); });
  }

  bool check_key(std::string_view key) {
    if (key.size() > kMaxKeyBytes) return refuse("a key is longer than 1024 bytes");
    if (key.starts_with(expectation_.prefix)) return true;
    return refuse("key " + text::escaped(key) + " does not begin with the prefix asked for");
  }

  ListPage& page_;
  const ListExpectation& expectation_;
  std::optional<std::string_view> name_, prefix_, encoding_type_, is_truncated_, next_token_;
  std::optional<std::string_view> key_count_, marker_, next_marker_;
  bool is_url_encoded_ = false;
};

/// The only element of the document; empty if there is more than one or anything else beside it.
pugi::xml_node sole_root(const pugi::xml_document& document) {
  pugi::xml_node root;
  for (pugi::xml_node node : document.children()) {
    if (node.type() == pugi::node_declaration || node.type() == pugi::node_comment) continue;
    if (node.type() == pugi::node_pcdata && xml::is_blank(node.value())) continue;
    if (node.type() != pugi::node_element || root) return {};
    root = node;
  }
  return root;
}

Error refused(std::string_view why) {
  std::string message = "the answer is no valid listing: ";
  message += why;
  return Error(ErrorKind::invalid_answer, std::move(message));
}

Error named_by(const ErrorDocument& document) {
  Error error(classify(500, document.code, Operation::list),
              "the listing was answered with status 200 and the error " + document.code);
  if (!document.message.empty()) error.message += " (" + text::escaped(document.message) + ")";
  error.code = document.code;
  error.region = document.region;
  error.http_status = 200;
  return error;
}

}  // namespace

Result<ListPage> parse_list_page(std::vector<char> body, const ListExpectation& expectation) {
  if (body.size() > kMaxPageBytes) return refused("it is larger than 16 MiB");
  ListPage page;
  page.buffer = std::move(body);
  if (const std::string_view problem = xml::prepare(page.buffer); !problem.empty()) {
    return refused(problem);
  }
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer_inplace(
      page.buffer.data(), page.buffer.size(), kParseFlags, pugi::encoding_utf8);
  if (!parsed) {
    return refused(std::string("it is no well-formed XML (") + parsed.description() +
                   "): it may be cut, or no S3 service may have sent it");
  }
  const pugi::xml_node root = sole_root(document);
  if (root.empty()) return refused("it is not exactly one XML element");
  const std::string_view name = xml::local_name(root.name());
  if (name == "Error") return named_by(read_error(root));
  if (name != "ListBucketResult") {
    return refused("it is a <" + text::escaped(name) +
                   "> document; does the endpoint lead to an S3 service, and no "
                   "proxy or login page answer in its place?");
  }
  PageReader reader(page, expectation);
  if (reader.read(root)) return page;
  Error error = refused(reader.problem);
  if (reader.is_version_1) error.code = kAnsweredInVersion1;
  return error;
}

}  // namespace sluice::s3

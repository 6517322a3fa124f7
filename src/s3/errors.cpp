#include "s3/errors.hpp"

#include "http/url.hpp"
#include "s3/error_fields.hpp"
#include "s3/error_table.hpp"
#include "s3/xml_rules.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace sluice::s3 {

namespace {

constexpr std::size_t kMaxCodeBytes = 128;
constexpr std::size_t kMaxMessageBytes = 512;

/// All pieces of text, comments left out; at most `limit` bytes.
std::string text_of(const pugi::xml_node& leaf, std::size_t limit) {
  std::string text = leaf.value();  // with parse_embed_pcdata the first piece is here
  for (const pugi::xml_node& piece : leaf.children()) {
    if (piece.type() == pugi::node_pcdata || piece.type() == pugi::node_cdata) {
      text += piece.value();
    }
  }
  return text.substr(0, limit);
}

/// A code is compared and printed: letters, digits, dots, hyphens. Anything else is no code.
std::string code_of(const pugi::xml_node& leaf) {
  std::string code = text_of(leaf, kMaxCodeBytes);
  const bool plain = std::ranges::all_of(code, [](unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
  return plain ? code : std::string();
}

}  // namespace

ErrorDocument read_error(const pugi::xml_node& root) {
  ErrorDocument document;
  for (const pugi::xml_node& child : root.children()) {
    const std::string_view name = xml::local_name(child.name());
    if (name == "Code") document.code = code_of(child);
    if (name == "Message") document.message = text_of(child, kMaxMessageBytes);
    if (name == "Region") document.region = text_of(child, kMaxCodeBytes);
  }
  if (!http::is_dns_label(document.region)) document.region.clear();
  return document;
}

ErrorDocument parse_error_document(std::string_view body) {
  if (body.size() > kMaxErrorBytes) return {};
  std::vector<char> buffer(body.begin(), body.end());
  if (!xml::prepare(buffer).empty()) return {};
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer_inplace(
      buffer.data(), buffer.size(),
      pugi::parse_escapes | pugi::parse_cdata | pugi::parse_ws_pcdata | pugi::parse_doctype,
      pugi::encoding_utf8);
  if (!parsed) return {};
  pugi::xml_node root;
  for (const pugi::xml_node& node : document.children()) {
    if (node.type() != pugi::node_element || root) return {};
    root = node;
  }
  if (xml::local_name(root.name()) != "Error") return {};
  return read_error(root);
}

ErrorKind classify(int status, std::string_view code, Operation operation) noexcept {
  return error_row(status, code, operation).kind;
}

}  // namespace sluice::s3

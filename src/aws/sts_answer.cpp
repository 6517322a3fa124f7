#include "aws/messages.hpp"
#include "aws/sts.hpp"

#include <pugixml.hpp>

#include <cstring>

namespace sluice::aws {
namespace {

Error malformed(const char* what) {
  return credentials_error(what);
}

/// The text of that child; empty if there is none, or anything else than plain text in it.
std::string text_of(const pugi::xml_node& parent, const char* name) {
  const pugi::xml_node child = parent.child(name);
  const pugi::xml_node text = child.first_child();
  if (text.type() != pugi::node_pcdata || text.next_sibling()) return {};
  return text.value();
}

}  // namespace

Result<StsAnswer> parse_sts_answer(std::string_view xml, std::string_view operation) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(
      xml.data(), xml.size(), pugi::parse_default | pugi::parse_fragment, pugi::encoding_utf8);
  // As a fragment, for else pugixml passes over what stands before and after the root.
  const bool has_one_root = document.first_child() == document.last_child();
  if (!parsed || !has_one_root || document.first_child().type() != pugi::node_element)
    return malformed("it is no XML document");
  if (xml.find("<!DOCTYPE") != std::string_view::npos || xml.find('\0') != std::string_view::npos)
    return malformed("it is no document of STS");

  const pugi::xml_node root = document.first_child();
  StsAnswer answer;
  if (std::strcmp(root.name(), "ErrorResponse") == 0) {
    const pugi::xml_node error = root.child("Error");
    answer.error_code = text_of(error, "Code");
    answer.error_message = text_of(error, "Message");
    if (answer.error_code.empty()) return malformed("it is an error without a code");
    return answer;
  }
  const std::string name(operation);
  if (root.name() != name + "Response") return malformed("it is no answer to that request");
  const pugi::xml_node found = root.child((name + "Result").c_str()).child("Credentials");
  if (!found) return malformed("it has no Credentials");
  Credentials& credentials = answer.credentials;
  credentials.access_key = text_of(found, "AccessKeyId");
  credentials.secret_key = text_of(found, "SecretAccessKey");
  credentials.session_token = text_of(found, "SessionToken");
  for (const std::string* value :
       {&credentials.access_key, &credentials.secret_key, &credentials.session_token})
    if (!is_header_value(*value))
      return malformed("its Credentials lack a key or the token, or these are malformed");
  const std::optional<std::int64_t> unix_ms = dates::parse_iso_ms(text_of(found, "Expiration"));
  if (!unix_ms || *unix_ms > kLastUnixMs) return malformed("its Credentials have no Expiration");
  credentials.expires = WallTime(std::chrono::milliseconds(*unix_ms));
  return answer;
}

}  // namespace sluice::aws

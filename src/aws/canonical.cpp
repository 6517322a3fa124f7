#include "aws/canonical.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace sluice::aws::detail {
namespace {

/// What Python's str.split() takes for blank, as botocore and the service trim header values. CR
/// and LF are among them, so that no value can add a line to the canonical request.
constexpr bool is_blank(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Without blanks at both ends, inner runs of blanks as one space.
void append_collapsed(std::string& out, std::string_view value) {
  unsigned blanks = 0;
  for (const char c : value)
    blanks |= static_cast<unsigned>(is_blank(c));
  if (blanks == 0) {
    out.append(value);
    return;
  }
  const char* at = value.data();
  const char* const end = at + value.size();
  bool first = true;
  while (true) {
    while (at != end && is_blank(*at))
      ++at;
    if (at == end) return;
    const char* const word = at;
    while (at != end && !is_blank(*at))
      ++at;
    if (!first) out.push_back(' ');
    first = false;
    out.append(word, at);
  }
}

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Views into `out.lower_names`, which is reserved first so that they stay valid.
void collect_headers(Canonical& out, const http::Request& request) {
  out.headers.clear();
  out.lower_names.clear();
  std::size_t size = 0;
  for (const auto& [name, value] : request.headers)
    size += name.size();
  out.lower_names.reserve(size);
  for (const auto& [name, value] : request.headers) {
    const std::size_t from = out.lower_names.size();
    for (const char c : name)
      out.lower_names.push_back(lower(c));
    const std::string_view lower_name = std::string_view(out.lower_names).substr(from);
    if (!is_never_signed(lower_name)) out.headers.push_back({lower_name, value});
  }
  // Values of one name keep the order they are sent in; the views into lower_names tell it.
  std::sort(out.headers.begin(), out.headers.end(),
            [](const SignedHeader& a, const SignedHeader& b) {
              const int order = a.name.compare(b.name);
              return order != 0 ? order < 0 : a.name.data() < b.name.data();
            });
}

}  // namespace

std::string encoded_path(std::string_view path) {
  std::string out;
  out.reserve(path.size() + path.size() / 8);
  text::append_uri_encoded(out, path, text::Slash::keep);
  return out;
}

void write_query(std::string& out,
                 const std::vector<std::pair<std::string, std::string>>& parameters) {
  out.clear();
  std::vector<std::pair<std::string, std::string>> encoded;
  encoded.reserve(parameters.size());
  for (const auto& [name, value] : parameters)
    encoded.emplace_back(text::uri_encoded(name, text::Slash::encode),
                         text::uri_encoded(value, text::Slash::encode));
  std::sort(encoded.begin(), encoded.end());
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
}

std::string target_of(std::string_view encoded_path, std::string_view query) {
  std::string target;
  target.reserve(encoded_path.size() + 1 + query.size());
  target = encoded_path;
  if (!query.empty()) {
    target += '?';
    target += query;
  }
  return target;
}

std::string_view name_of(http::Method method) noexcept {
  switch (method) {
    case http::Method::get:
      return "GET";
    case http::Method::head:
      return "HEAD";
    case http::Method::put:
      return "PUT";
    case http::Method::post:
      return "POST";
  }
  return "GET";
}

bool is_never_signed(std::string_view lower_name) noexcept {
  // botocore SIGNED_HEADERS_BLACKLIST, and accept-encoding, which Google Cloud Storage rewrites.
  constexpr std::array<std::string_view, 7> kNames = {
      "accept-encoding",   "authorization", "connection",     "expect",
      "transfer-encoding", "user-agent",    "x-amzn-trace-id"};
  return std::find(kNames.begin(), kNames.end(), lower_name) != kNames.end();
}

bool is_written_by_signer(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 4> kNames = {"authorization", "x-amz-content-sha256",
                                                      "x-amz-date", "x-amz-security-token"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view own) { return text::iequals(own, name); });
}

void write_canonical(Canonical& out, const http::Request& request, std::string_view encoded_path,
                     std::string_view payload_hash) {
  collect_headers(out, request);
  std::string& text = out.text;
  text = name_of(request.method);
  text += '\n';
  text += encoded_path;
  text += '\n';
  text += out.query;
  text += '\n';
  out.signed_headers.clear();
  std::string_view previous;
  for (const SignedHeader& header : out.headers) {
    if (!previous.empty() && header.name == previous) {
      text.back() = ',';  // a repeated header is one line; this was the end of it
    } else {
      if (!out.signed_headers.empty()) out.signed_headers += ';';
      out.signed_headers += header.name;
      text += header.name;
      text += ':';
    }
    append_collapsed(text, header.value);
    text += '\n';
    previous = header.name;
  }
  text += '\n';
  text += out.signed_headers;
  text += '\n';
  text += payload_hash;
}

}  // namespace sluice::aws::detail

#include "origin/message.hpp"

#include "origin/encoding.hpp"

#include <algorithm>

namespace sluice::origin {

const std::string* find_header(const Headers& headers, std::string_view name) {
  for (const Header& header : headers) {
    if (equal_ignoring_case(header.name, name)) return &header.value;
  }
  return nullptr;
}

void remove_header(Headers& headers, std::string_view name) {
  std::erase_if(headers, [name](const Header& h) { return equal_ignoring_case(h.name, name); });
}

void set_header(Headers& headers, std::string_view name, std::string value) {
  remove_header(headers, name);
  headers.push_back(Header{std::string(name), std::move(value)});
}

std::string_view Request::raw_path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view Request::raw_query() const {
  const std::size_t mark = target.find('?');
  if (mark == std::string::npos) return {};
  return std::string_view(target).substr(mark + 1);
}

void set_body(Response& response, std::string text, std::string content_type) {
  set_header(response.headers, "Content-Type", std::move(content_type));
  response.body_bytes = text.size();
  response.body_offset = 0;
  response.body = bytes_content(std::move(text));
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 102:
      return "Processing";
    case 103:
      return "Early Hints";
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 412:
      return "Precondition Failed";
    case 416:
      return "Requested Range Not Satisfiable";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Slow Down";
    case 504:
      return "Gateway Timeout";
    default:
      return "Status";
  }
}

}  // namespace sluice::origin

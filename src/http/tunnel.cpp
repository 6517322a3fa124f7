#include "http/tunnel.hpp"

#include "base/text.hpp"
#include "http/url.hpp"

#include <utility>

namespace sluice::http {

namespace {

/// Only a proxy sends 407. Of the others S3 and its kin send XML, with an id of the request.
/// tinyproxy says 401 to a wrong password and 500 to an unknown host, squid 503 to the latter.
bool is_of_the_proxy(const ResponseHead& head) {
  if (head.status == 407) return true;
  if (head.status != 401 && head.status != 403 && head.status < 500) return false;
  const std::string_view type = head.find("content-type").value_or("");
  constexpr std::string_view kHtml = "text/html";
  return text::iequals(type.substr(0, kHtml.size()), kHtml) && !head.find("x-amz-request-id");
}

}  // namespace

Via::Via(Proxy chosen, const Endpoint& to)
    : proxy(std::move(chosen)), name(proxy.name()), target(authority_of(to)) {
  origin = "http://" + Url{to, {}}.host_header();
}

std::string connect_request(const Via& via) {
  std::string wire = "CONNECT " + via.target + " HTTP/1.1\r\nHost: " + via.target + "\r\n";
  if (!via.proxy.authorization.empty())
    wire += "Proxy-Authorization: " + via.proxy.authorization + "\r\n";
  return wire + "User-Agent: sluice\r\n\r\n";
}

Error proxy_refusal(const Via& via, int status) {
  const std::string said = " (" + std::to_string(status) + ")";
  Error error(ErrorKind::denied, via.name);
  if (status == 407 || status == 401) {
    error.message += via.proxy.authorization.empty()
                         ? " wants a user and a password" + said +
                               "; give them as http://user:password@host:port in HTTPS_PROXY, "
                               "HTTP_PROXY or SLUICE_PROXY"
                         : " does not accept this user and password" + said +
                               "; check them in HTTPS_PROXY, HTTP_PROXY or SLUICE_PROXY, and that "
                               "special characters in them are percent-encoded";
  } else if (status == 403) {
    error.message += " does not allow connections to " + via.target + said +
                     "; have it allowed there, or leave the proxy out with NO_PROXY";
  } else if (status >= 500) {
    error.kind = ErrorKind::unreachable;
    error.message += " does not get through to " + via.target + said +
                     "; check the endpoint's name and port, and whether the proxy may reach them";
  } else {
    error.kind = ErrorKind::invalid_answer;
    error.message += " does not open a way to " + via.target + said + "; is it an HTTP proxy?";
  }
  error.http_status = status;
  return error;
}

TunnelAnswer::TunnelAnswer(const Via& via, std::size_t max_head_bytes)
    : via_(via), parser_(via.name, max_head_bytes) {
  // As that to a HEAD, an answer to CONNECT has no body whatever its head says (RFC 9110, 9.3.6).
  parser_.start(Method::head, *this);
}

Result<void> TunnelAnswer::on_head(const ResponseHead& head) {
  status_ = head.status;
  return {};
}

Result<bool> TunnelAnswer::feed(std::span<const std::byte> bytes) {
  const Result<std::size_t> used = parser_.feed(bytes);
  if (!used) return used.error();
  if (!parser_.done()) return false;
  if (status_ < 200 || status_ > 299) return proxy_refusal(via_, status_);
  // The client speaks first in TLS: this can be no server's.
  if (*used != bytes.size())
    return Error(ErrorKind::invalid_answer, via_.name + " sent more than its answer to CONNECT");
  return true;
}

Error TunnelAnswer::end_of_stream() {
  Result<void> ended = parser_.end_of_stream();
  Error error = ended ? proxy_refusal(via_, status_) : std::move(ended).error();
  error.kind = ErrorKind::unreachable;
  return error;
}

Result<void> ForwardedAnswer::on_head(const ResponseHead& head) {
  if (is_of_the_proxy(head)) return proxy_refusal(via_, head.status);
  return handler_.on_head(head);
}

}  // namespace sluice::http

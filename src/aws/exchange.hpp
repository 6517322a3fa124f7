#pragma once

#include "async/runtime.hpp"
#include "aws/config.hpp"
#include "base/result.hpp"
#include "http/client.hpp"
#include "http/message.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

/// How the providers reach the services that hand out credentials. Private to aws.
namespace sluice::aws {

/// How long to wait for a service.
enum class Patience : std::uint8_t {
  instance,   ///< answers at once or not at all: a laptop has nobody at that address
  container,  ///< on this machine or beside it
  internet,
};

struct ServiceRequest {
  http::Endpoint endpoint;
  http::Request request;  ///< with Host; resending it does no harm
  Patience patience = Patience::internet;
};

struct ServiceAnswer {
  int status = 0;
  std::string body;                  ///< at most kServiceAnswerBytesMax
  std::optional<std::int64_t> date;  ///< of the server, in seconds since 1970
};

/// No document with credentials comes near it: tokens have at most a few KiB.
inline constexpr std::size_t kServiceAnswerBytesMax = 128 * 1024;

/// Sends one request and gives the whole answer, whatever its status.
using Exchange = std::function<async::Task<Result<ServiceAnswer>>(async::Runtime&, ServiceRequest)>;

/// Over a connection of its own, which is closed afterwards. Redirects are not followed. What is on
/// this machine or beside it (`Patience` says so) is never asked through a proxy.
Exchange http_exchange(http::TlsOptions tls, http::ProxyRules proxies);

/// What the providers know of the world around them; tests replace it.
struct World {
  Environment environment;
  Exchange exchange;
  std::function<WallTime()> now;
};
World real_world(Environment environment, const SharedConfig& config);

/// The exchange, tried again (twice) after failures that may pass: of the network, 429, 5xx. The
/// last answer is given whatever its status.
async::Task<Result<ServiceAnswer>> ask_service(const World& world, async::Runtime& runtime,
                                               ServiceRequest request);

/// A request with the headers that all of them have. `url` is scheme, host and port only.
Result<ServiceRequest> service_request(std::string_view url, http::Method method,
                                       std::string target);

/// Reads a small file that holds a token. `local` or `credentials` error.
Result<std::string> read_small_file(const std::string& path);

}  // namespace sluice::aws

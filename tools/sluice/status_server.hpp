#pragma once

#include "base/result.hpp"
#include "listen_address.hpp"
#include "report/watch_view.hpp"
#include "request_head.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::cli {

struct Response {
  int status = 200;
  std::string_view type = "text/plain; charset=utf-8";
  std::string body;
};

/// What a request is answered. `own_name` is the host that we listen at.
Response respond(const RequestParser& request, std::string_view own_name,
                 const std::function<report::WatchView()>& look);

/// The response as bytes; of a HEAD without its body. The connection ends after it.
std::string serialized(const Response& response, bool is_head);

/// Serves the state of a watch over HTTP, on a thread of its own: it answers while the engine is
/// busy. At most 32 connections, each of 5 s at most, one request each.
class StatusServer {
 public:
  struct Calls {
    std::function<report::WatchView()> look;
    std::function<void()> tick;  ///< about once a second
  };

  /// Of kind `local` if the address cannot be listened at.
  static Result<std::unique_ptr<StatusServer>> start(const ListenAddress& address, Calls calls);
  virtual ~StatusServer() = default;  ///< ends it

  /// "http://127.0.0.1:9464/"
  virtual std::string url() const = 0;
};

}  // namespace sluice::cli

#pragma once

#include "async/runtime.hpp"
#include "fixed_credentials.hpp"
#include "http/client.hpp"
#include "s3/client.hpp"
#include "s3/object_client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::s3 {

/// An answer of the scripted service.
struct Reply {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::optional<std::uint64_t> promised;  ///< Content-Length, if it is not the body's
  bool chunked = false;                   ///< no Content-Length
  std::optional<Error> failure;           ///< of the connection, after the body
  bool no_head = false;                   ///< the failure comes before the head
  std::chrono::milliseconds delay{0};     ///< before the head
};

struct SentRequest {
  std::string host;
  http::Request request;

  std::string header(std::string_view name) const {
    http::ResponseHead lookup;
    lookup.headers = request.headers;
    return std::string(lookup.find(name).value_or("(none)"));
  }
};

/// What the fakes of one test share: the answers still to give and the requests that came.
struct Script {
  std::deque<Reply> replies;
  std::vector<SentRequest> sent;
  std::vector<std::string> hosts;  ///< a client was made for each
  std::size_t piece_bytes = 7;     ///< the body arrives in pieces of this size
};

class ScriptedHttp final : public http::Client {
 public:
  ScriptedHttp(async::Runtime& runtime, Script& script, std::string host)
      : runtime_(runtime), script_(script), host_(std::move(host)) {}

  async::Task<Result<void>> exchange(const http::Request& request,
                                     http::ResponseHandler& handler) override {
    script_.sent.push_back(SentRequest{host_, request});
    if (script_.replies.empty()) {
      ADD_FAILURE() << "an unexpected request: " << request.target;
      Error nothing(ErrorKind::unreachable, "the script has ended");
      co_return nothing;
    }
    const Reply reply = std::move(script_.replies.front());
    script_.replies.pop_front();
    if (reply.delay.count() > 0) co_await runtime_.sleep_for(reply.delay);
    co_return play(reply, handler);
  }

  http::ClientStats stats() const noexcept override { return {}; }
  void close_idle() noexcept override {}

 private:
  Result<void> play(const Reply& reply, http::ResponseHandler& handler) const {
    if (reply.no_head) return *reply.failure;
    http::ResponseHead head;
    head.status = reply.status;
    head.headers = reply.headers;
    if (!reply.chunked) head.content_length = reply.promised.value_or(reply.body.size());
    if (Result<void> taken = handler.on_head(head); !taken) return taken;
    for (std::size_t at = 0; at < reply.body.size(); at += script_.piece_bytes) {
      const auto piece = std::string_view(reply.body).substr(at, script_.piece_bytes);
      Result<void> taken = handler.on_body(std::as_bytes(std::span(piece.data(), piece.size())));
      if (!taken) return taken;
    }
    if (reply.failure) return *reply.failure;
    return {};
  }

  async::Runtime& runtime_;
  Script& script_;
  const std::string host_;
};

/// Collects what it is given.
class StringSink final : public store::BodySink {
 public:
  Result<void> begin(const store::ObjectHead& head) override {
    ++begun;
    seen = head;
    if (refuse_begin) return *refuse_begin;
    return {};
  }
  Result<void> write(std::span<const std::byte> bytes) override {
    if (refuse_write) return *refuse_write;
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }

  int begun = 0;
  store::ObjectHead seen;
  std::string body;
  std::optional<Error> refuse_begin;
  std::optional<Error> refuse_write;
};

/// A client whose service is a script, on whatever runtime the test uses.
class ScriptedClient {
 public:
  explicit ScriptedClient(async::Runtime& runtime, SessionOptions options = default_options())
      : runtime_(runtime), credentials(FixedCredentials::make()) {
    auto made = Session::make(std::move(options), credentials);
    EXPECT_TRUE(made) << made.error().message;
    session = *made;
    Script* const shared = &script;
    auto client = make_client_over(
        runtime, session,
        [&runtime,
         shared](const http::Endpoint& endpoint) -> Result<std::unique_ptr<http::Client>> {
          shared->hosts.push_back(endpoint.host);
          return std::unique_ptr<http::Client>(
              std::make_unique<ScriptedHttp>(runtime, *shared, endpoint.host));
        });
    EXPECT_TRUE(client) << client.error().message;
    store = *std::move(client);
  }

  static SessionOptions default_options() {
    SessionOptions options;
    options.bucket = "bkt";
    options.endpoint_url = "http://s3.test:9000";
    return options;
  }
  static SessionOptions aws_options() {
    SessionOptions options;
    options.bucket = "bkt";
    return options;
  }

  Result<ListPage> list(store::ListRequest request = {}) {
    return run<ListPage>([&] { return store->list(request); });
  }
  Result<store::ObjectHead> head(store::HeadRequest request) {
    return run<store::ObjectHead>([&] { return store->head(request); });
  }
  Result<store::ObjectHead> get(store::GetRequest request, store::BodySink& sink) {
    return run<store::ObjectHead>([&] { return store->get(request, sink); });
  }
  Result<bool> is_gone(std::string key) {
    return run<bool>([&] { return store->is_gone(key); });
  }

  Script script;

 private:
  async::Runtime& runtime_;

 public:
  std::shared_ptr<FixedCredentials> credentials;
  std::shared_ptr<Session> session;
  std::unique_ptr<store::ObjectStore> store;

 private:
  template <class T, class Start>
  Result<T> run(Start start) {
    std::optional<Result<T>> result;
    const auto main = [&]() -> async::Task<void> { result = co_await start(); };
    runtime_.run(main);
    EXPECT_TRUE(script.replies.empty()) << "not all answers were asked for";
    return *std::move(result);
  }
};

inline std::string error_body(std::string_view code, std::string_view more = {}) {
  return "<?xml version=\"1.0\"?>\n<Error><Code>" + std::string(code) +
         "</Code><Message>said so</Message>" + std::string(more) + "</Error>";
}

inline Reply error_reply(int status, std::string_view code,
                         std::vector<std::pair<std::string, std::string>> headers = {}) {
  Reply reply;
  reply.status = status;
  reply.headers = std::move(headers);
  if (!code.empty()) reply.body = error_body(code);
  return reply;
}

inline Reply page_reply(std::string_view members = {}) {
  Reply reply;
  reply.body = "<ListBucketResult><Name>bkt</Name><IsTruncated>false</IsTruncated>" +
               std::string(members) + "</ListBucketResult>";
  return reply;
}

/// 200 with the whole of `body`.
inline Reply object_reply(std::string body, std::string etag = "e") {
  Reply reply;
  reply.headers = {{"ETag", '"' + etag + '"'}};
  reply.body = std::move(body);
  return reply;
}

inline store::GetRequest get_request(std::string key, std::uint64_t size,
                                     std::optional<ByteRange> range = std::nullopt) {
  store::GetRequest request;
  request.key = std::move(key);
  request.range = range;
  request.version.etag = "e";
  request.version.size = size;
  return request;
}

}  // namespace sluice::s3

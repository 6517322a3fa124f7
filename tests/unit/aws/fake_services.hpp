#pragma once

#include "async/runtime.hpp"
#include "aws/exchange.hpp"
#include "shared_files.hpp"

#include <chrono>
#include <deque>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sluice::aws::tests {

/// Stands for all services: gives its answers in order and keeps what it was asked.
class FakeServices {
 public:
  struct Seen {
    std::string line;  ///< "GET http://169.254.169.254/latest"
    http::Request request;

    std::string header(std::string_view name) const {
      http::ResponseHead head;
      head.headers = request.headers;
      return std::string(head.find(name).value_or("(none)"));
    }
  };

  void answer(int status, std::string body, std::optional<std::int64_t> date = {}) {
    answers_.emplace_back(ServiceAnswer{status, std::move(body), date});
  }
  void fail(ErrorKind kind, const char* message) { answers_.emplace_back(Error(kind, message)); }

  Exchange exchange() {
    return [this](async::Runtime&, ServiceRequest request) { return take(std::move(request)); };
  }

  std::vector<Seen> seen;
  std::size_t left() const { return answers_.size(); }

 private:
  async::Task<Result<ServiceAnswer>> take(ServiceRequest request) {
    const http::Endpoint& to = request.endpoint;
    const bool plain = to.scheme == http::Scheme::http;
    const char* method = request.request.method == http::Method::get    ? "GET "
                         : request.request.method == http::Method::post ? "POST "
                                                                        : "PUT ";
    std::string line = method + std::string(plain ? "http://" : "https://") + to.host;
    if (to.port != (plain ? 80 : 443)) line += ':' + std::to_string(to.port);
    line += request.request.target;
    seen.push_back({std::move(line), std::move(request.request)});
    if (answers_.empty())
      co_return Error(ErrorKind::unreachable, "nobody answers there (the test)");
    Result<ServiceAnswer> answer = std::move(answers_.front());
    answers_.pop_front();
    co_return answer;
  }

  std::deque<Result<ServiceAnswer>> answers_;
};

inline async::Task<void> ask_into(CredentialsProvider& provider, async::Runtime& runtime,
                                  std::optional<Result<std::optional<Credentials>>>& out) {
  Result<std::optional<Credentials>> answer = co_await provider.get(runtime);
  out = std::move(answer);
}

/// What a provider says on a runtime of its own.
inline Result<std::optional<Credentials>> ask_on(async::Runtime& runtime,
                                                 CredentialsProvider& provider) {
  std::optional<Result<std::optional<Credentials>>> out;
  runtime.run([&] { return ask_into(provider, runtime, out); });
  return std::move(out).value();
}

/// In virtual time: pauses take none.
inline Result<std::optional<Credentials>> ask(CredentialsProvider& provider) {
  const auto runtime = async::make_deterministic_runtime({});
  return ask_on(*runtime, provider);
}

/// "KEY secret token", "(none)" or "error: message".
inline std::string words_of(const Result<std::optional<Credentials>>& answer) {
  if (!answer) return "error: " + answer.error().message;
  if (!*answer) return "(none)";
  return (*answer)->access_key + ' ' + (*answer)->secret_key + ' ' + (*answer)->session_token;
}

/// The document of container and instance metadata.
inline std::string metadata(const std::string& key, const std::string& expiration) {
  return R"({"Code": "Success", "AccessKeyId": ")" + key +
         R"(", "SecretAccessKey": "s", "Token": "t", "Expiration": ")" + expiration + "\"}";
}

inline std::string sts_document(const std::string& operation, const std::string& key,
                                const std::string& expiration) {
  return "<" + operation + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" +
         operation + "Result><Credentials><AccessKeyId>" + key +
         "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
         "<Expiration>" +
         expiration + "</Expiration></Credentials></" + operation + "Result></" + operation +
         "Response>";
}

inline std::string sts_error(const std::string& code, const std::string& message) {
  return "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>" + message +
         "</Message></Error><RequestId>1</RequestId></ErrorResponse>";
}

/// Providers in a home folder of their own, before services and a clock that stand still.
class ServicesTest : public SharedFiles {
 protected:
  World world() {
    World world;
    world.environment = environment();
    world.exchange = services_.exchange();
    world.now = [this] { return now_; };
    return world;
  }

  /// What the whole chain gives by the shared files as they are now.
  Result<std::optional<Credentials>> get() {
    const auto config = load();
    if (!config) return config.error();
    return ask(*default_chain(world(), *config));
  }
  std::string found() { return words_of(get()); }

  WallTime now_{std::chrono::seconds(1'700'000'000)};  // 2023-11-14T22:13:20Z
  FakeServices services_;
};

}  // namespace sluice::aws::tests

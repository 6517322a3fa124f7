#include "aws/exchange.hpp"

#include "async/backoff.hpp"
#include "async/deadline.hpp"
#include "aws/messages.hpp"
#include "base/text.hpp"
#include "http/url.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

namespace sluice::aws {
namespace {

using namespace std::chrono_literals;

/// Of one request. botocore asks the metadata service once and STS three times by default.
constexpr unsigned kServiceTries = 3;
constexpr unsigned kLocalTries = 2;

class Collector final : public http::ResponseHandler {
 public:
  Result<void> on_head(const http::ResponseHead& head) override {
    answer.status = head.status;
    if (const auto date = head.find("date")) answer.date = dates::parse_http(*date);
    return {};
  }
  Result<void> on_body(std::span<const std::byte> bytes) override {
    if (answer.body.size() + bytes.size() > kServiceAnswerBytesMax)
      return Error(ErrorKind::invalid_answer, "the answer is too long to be credentials");
    answer.body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }

  ServiceAnswer answer;
};

http::ClientOptions client_options(Patience patience, const http::TlsOptions& tls,
                                   const http::ProxyRules& proxies) {
  http::ClientOptions options;
  options.tls = tls;
  options.max_connections = 1;
  options.read_buffer_bytes = 16 * 1024;
  if (patience == Patience::internet) {
    options.proxies = proxies;
    return options;
  }
  options.connect_timeout = 1s;  // botocore's metadata_service_timeout
  options.first_byte_timeout = patience == Patience::instance ? 1s : 5s;
  options.stall_window = 5s;
  return options;
}

async::Task<Result<ServiceAnswer>> exchange_over_http(http::TlsOptions tls,
                                                      http::ProxyRules proxies,
                                                      async::Runtime& runtime,
                                                      ServiceRequest request) {
  const async::Executor executor = co_await boost::asio::this_coro::executor;
  http::ClientOptions options = client_options(request.patience, tls, proxies);
  auto client =
      http::Client::make(runtime, executor, std::move(request.endpoint), std::move(options));
  if (!client) co_return client.error();
  Collector collector;
  const Result<void> sent = co_await (*client)->exchange(request.request, collector);
  if (!sent) co_return sent.error();
  co_return std::move(collector.answer);
}

bool may_pass(const Result<ServiceAnswer>& answer) noexcept {
  if (answer) return answer->status == 429 || answer->status >= 500;
  const ErrorKind kind = answer.error().kind;
  return kind == ErrorKind::transient || kind == ErrorKind::unreachable;
}

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

}  // namespace

Exchange http_exchange(http::TlsOptions tls, http::ProxyRules proxies) {
  return [tls = std::move(tls), proxies = std::move(proxies)](async::Runtime& runtime,
                                                              ServiceRequest request) {
    return exchange_over_http(tls, proxies, runtime, std::move(request));
  };
}

World real_world(Environment environment, const SharedConfig& config) {
  http::TlsOptions tls;
  tls.ca_bundle = config.ca_bundle;
  World world;
  world.environment = std::move(environment);
  world.exchange = http_exchange(std::move(tls), config.proxies);
  world.now = [] { return WallClock::now(); };
  return world;
}

async::Task<Result<ServiceAnswer>> ask_service(const World& world, async::Runtime& runtime,
                                               ServiceRequest request) {
  const unsigned tries = request.patience == Patience::internet ? kServiceTries : kLocalTries;
  const async::BackoffOptions backoff;
  for (unsigned attempt = 1;; ++attempt) {
    ServiceRequest copy = request;
    Result<ServiceAnswer> answer = co_await world.exchange(runtime, std::move(copy));
    if (attempt == tries || !may_pass(answer)) co_return answer;
    co_await runtime.sleep_for(
        async::backoff_delay(backoff, attempt, async::Pace::normal, 0ms, runtime.random()));
  }
}

Result<ServiceRequest> service_request(std::string_view url, http::Method method,
                                       std::string target) {
  const Result<http::Url> parsed = http::parse_url(url);
  if (!parsed) return parsed.error();
  ServiceRequest request;
  request.endpoint = parsed->endpoint;
  request.request.method = method;
  request.request.target = parsed->base_path + std::move(target);
  request.request.headers.emplace_back("Host", parsed->host_header());
  request.request.headers.emplace_back("User-Agent", "sluice");
  return request;
}

Result<std::string> read_small_file(const std::string& path) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
  if (!file) return local_error("cannot open " + path, errno);
  std::string content(kServiceAnswerBytesMax + 1, '\0');
  content.resize(std::fread(content.data(), 1, content.size(), file.get()));
  if (std::ferror(file.get()) != 0) return local_error("cannot read " + path, errno);
  if (content.size() > kServiceAnswerBytesMax)
    return credentials_error(path + " is too large to hold a token");
  return content;
}

}  // namespace sluice::aws

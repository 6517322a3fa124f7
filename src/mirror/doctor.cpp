#include "sluice/doctor.hpp"

#include "aws/config.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "base/units.hpp"
#include "http/proxy.hpp"
#include "http/resolver.hpp"
#include "http/transport.hpp"
#include "local/destination.hpp"
#include "mirror/connect.hpp"
#include "mirror/directory_check.hpp"
#include "s3/explain.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <utility>

namespace sluice {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// Keys that are listed: enough to find one that can be read.
constexpr unsigned kKeysListed = 100;
/// From here on the clock should be set; S3 itself refuses beyond 15 minutes.
constexpr std::int64_t kSkewNoted = 60;
constexpr auto kConnectTime = 5s;
constexpr auto kHandshakeTime = 10s;

/// Warnings are kept for the table.
class Warnings final : public Observer {
 public:
  void on_object(const ObjectEvent&) override {}
  void on_message(Level level, std::string_view text) override {
    if (level < Level::warning) return;
    if (!text_.empty()) text_ += "; ";
    text_ += text;
  }
  std::string take() { return std::exchange(text_, {}); }

 private:
  std::string text_;
};

/// AKIA…MPLE: enough to tell keys apart.
std::string masked(const std::string& access_key) {
  if (access_key.size() <= 8) return text::escaped(access_key.substr(0, 2)) + "…";
  return text::escaped(access_key.substr(0, 4)) + "…" +
         text::escaped(access_key.substr(access_key.size() - 4));
}

std::string took(SteadyTime since) {
  const auto time = std::chrono::duration_cast<milliseconds>(SteadyClock::now() - since);
  return " in " + units::format_duration(time);
}

/// Waits until a descriptor is ready for `events`.
bool wait_for(int descriptor, short events, SteadyTime deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - SteadyClock::now());
    if (left <= 0ms) return false;
    pollfd waiting{descriptor, events, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

/// Only the head of the answer is of interest.
class HeadOnly final : public http::ResponseHandler {
 public:
  Result<void> on_head(const http::ResponseHead& head) override {
    head_ = head;
    return {};
  }
  Result<void> on_body(std::span<const std::byte>) override { return {}; }
  const http::ResponseHead& head() const noexcept { return head_; }

 private:
  http::ResponseHead head_;
};

class Discard final : public store::BodySink {
 public:
  Result<void> begin(const store::ObjectHead&) override { return {}; }
  Result<void> write(std::span<const std::byte>) override { return {}; }
};

class Examination {
 public:
  Examination(const DoctorOptions& options, const std::function<void(const Check&)>& on_check)
      : options_(options), on_check_(on_check) {}

  Diagnosis run() {
    if (check_configuration()) {
      runtime_ = async::make_threaded_runtime(async::ThreadedOptions{.data_shards = 1});
      runtime_->run([this]() { return everything_remote(); });
    }
    if (options_.dir.empty())
      skip("directory", "no DIR was given");
    else
      add(mirror::check_directory(options_.dir));
    return std::move(diagnosis_);
  }

 private:
  // --- notes ---

  void add(Check check) {
    on_check_(check);
    diagnosis_.checks.push_back(std::move(check));
  }
  void pass(std::string_view name, std::string detail) {
    add(Check{name, CheckState::passed, std::move(detail), "", std::nullopt});
  }
  void note(std::string_view name, std::string detail, std::string advice) {
    add(Check{name, CheckState::noted, std::move(detail), std::move(advice), std::nullopt});
  }
  void skip(std::string_view name, std::string detail) {
    add(Check{name, CheckState::skipped, std::move(detail), "", std::nullopt});
  }
  void fail(std::string_view name, std::string detail, const Error& error) {
    add(Check{name, CheckState::failed, std::move(detail), error.message, error});
  }
  static std::string said(const Error& error) {
    std::string out = error.http_status != 0 ? std::to_string(error.http_status) : "";
    if (!error.code.empty()) out += (out.empty() ? "" : " ") + text::escaped(error.code);
    return out.empty() ? std::string(to_string(error.kind)) : out;
  }

  // --- steps ---

  bool check_configuration();
  async::Task<void> everything_remote();
  async::Task<bool> check_credentials();
  async::Task<bool> check_network();
  async::Task<std::optional<http::Resolver::Address>> check_name();
  local::FileDescriptor check_connection(const http::Resolver::Address& address);
  bool check_tls(int socket);
  async::Task<bool> check_server();
  void judge_clock(const http::ResponseHead& head);
  async::Task<void> check_bucket();
  async::Task<void> check_object(const ListPage& page);
  std::string region_text() const;

  const DoctorOptions& options_;
  const std::function<void(const Check&)>& on_check_;
  Diagnosis diagnosis_;
  Warnings warnings_;
  std::shared_ptr<s3::Session> session_;
  std::unique_ptr<async::Runtime> runtime_;
  std::optional<http::Proxy> proxy_;  ///< between us and the service
};

std::string Examination::region_text() const {
  const char* from = "nobody named one";
  if (!options_.source.region.empty())
    from = "--region";
  else if (aws::variable(aws::process_environment(), "AWS_REGION"))
    from = "AWS_REGION";
  else if (aws::variable(aws::process_environment(), "AWS_DEFAULT_REGION"))
    from = "AWS_DEFAULT_REGION";
  else if (!session_->options().region.empty())
    from = "the profile";
  return "region " + session_->region() + " (" + from + ")";
}

bool Examination::check_configuration() {
  auto session = mirror::open_session(options_.source, TuningOptions{}, warnings_);
  if (!session) {
    fail("configuration", "cannot be used", session.error());
    return false;
  }
  session_ = std::move(*session);
  const aws::S3Endpoint endpoint = session_->endpoint();
  auto proxy = http::choose_proxy(session_->options().http.proxies, endpoint.url.endpoint);
  if (!proxy) {
    fail("configuration", "the proxy cannot be used", proxy.error());
    return false;
  }
  proxy_ = *std::move(proxy);
  const bool secure = endpoint.url.endpoint.scheme == http::Scheme::https;
  const std::string detail = "bucket " + text::escaped(session_->options().bucket) + " at " +
                             (secure ? "https://" : "http://") + endpoint.url.host_header() +
                             endpoint.url.base_path + "; " + region_text() +
                             (proxy_ ? "; through " + proxy_->name() : "");
  if (std::string warnings = warnings_.take(); !warnings.empty())
    note("configuration", detail, std::move(warnings));
  else
    pass("configuration", detail);
  return true;
}

async::Task<void> Examination::everything_remote() {
  const bool identified = co_await check_credentials();
  const bool reachable = co_await check_network();
  if (!identified || !reachable) {
    const char* why = identified ? "the service cannot be reached" : "there are no credentials";
    skip("list", why);
    skip("get", why);
    co_return;
  }
  co_await check_bucket();
}

async::Task<bool> Examination::check_credentials() {
  if (session_->credentials() == nullptr) {
    pass("credentials", "none wanted: requests are not signed");
    co_return true;
  }
  const auto got = co_await session_->credentials()->get(*runtime_);
  if (!got) {
    fail("credentials", "none that can be used", got.error());
    co_return false;
  }
  if (!*got) {
    const Error none(ErrorKind::credentials, "no credentials were found");
    fail("credentials", "none", none);
    co_return false;
  }
  const aws::Credentials& found = **got;
  std::string detail = masked(found.access_key) + " from " + text::escaped(found.source);
  if (found.expires) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(*found.expires - runtime_->wall_now());
    detail += left > 0ms ? ", for another " + units::format_duration(left) : ", expired";
  }
  pass("credentials", std::move(detail));
  co_return true;
}

async::Task<bool> Examination::check_network() {
  const auto address = co_await check_name();
  local::FileDescriptor socket;
  if (address)
    socket = check_connection(*address);
  else
    skip("connection", "no address");
  bool secure = false;
  if (!socket) {
    skip("tls", "no connection");
  } else if (proxy_) {
    skip("tls", "within the proxy's tunnel, if at all: see server");
    secure = true;
  } else {
    secure = check_tls(socket.get());
  }
  if (!secure) {
    skip("server", "no connection");
    skip("clock", "no connection");
    co_return false;
  }
  const bool answered = co_await check_server();
  co_return answered;
}

async::Task<std::optional<http::Resolver::Address>> Examination::check_name() {
  // Behind a proxy only the proxy needs to know the service's name.
  const http::Endpoint endpoint = proxy_ ? proxy_->address : session_->endpoint().url.endpoint;
  const SteadyTime started = SteadyClock::now();
  const async::Executor executor = runtime_->executor(async::Role::control);
  http::Resolver resolver(*runtime_, executor, endpoint.host, endpoint.port,
                          http::look_up_by_system);
  const auto found = co_await resolver.next();
  if (!found) {
    fail("name", endpoint.host, found.error());
    co_return std::nullopt;
  }
  const std::size_t others = resolver.size() > 0 ? resolver.size() - 1 : 0;
  std::string detail = endpoint.host + " is " + found->address().to_string();
  if (others > 0) detail += " and " + std::to_string(others) + " more";
  pass("name", detail + took(started));
  co_return *found;
}

local::FileDescriptor Examination::check_connection(const http::Resolver::Address& address) {
  const SteadyTime started = SteadyClock::now();
  local::FileDescriptor opened(http::open_socket(address.data()->sa_family));
  const int socket = opened.get();
  const std::string shown =
      address.address().to_string() + " port " + std::to_string(address.port());
  int error = socket < 0 ? errno : 0;
  if (error == 0 && ::connect(socket, address.data(), static_cast<socklen_t>(address.size())) != 0)
    error = errno;
  if (error == EINPROGRESS) {
    error = ETIMEDOUT;
    if (wait_for(socket, POLLOUT, started + kConnectTime)) {
      socklen_t size = sizeof error;
      ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
    }
  }
  if (error != 0) {
    const char* advice =
        proxy_ ? "check that it runs, and https_proxy, http_proxy, --proxy; hosts that need none "
                 "go into no_proxy"
               : "check --endpoint-url and its port, the firewall, and whether the service runs";
    const Error why(ErrorKind::unreachable, "cannot connect to " +
                                                (proxy_ ? proxy_->name() : shown) + ": " +
                                                std::string(std::strerror(error)) + "; " + advice);
    fail("connection", shown, why);
    return {};
  }
  pass("connection", shown + took(started));
  return opened;
}

bool Examination::check_tls(int socket) {
  const http::Endpoint endpoint = session_->endpoint().url.endpoint;
  if (endpoint.scheme == http::Scheme::http) {
    note("tls", "none: http://",
         "whoever is on the way can read and change everything; use https:// where the server "
         "offers it");
    return true;
  }
  const SteadyTime started = SteadyClock::now();
  const auto context = http::TlsContext::make(session_->options().http.tls, endpoint.host);
  if (!context) {
    fail("tls", "no trusted authorities", context.error());
    return false;
  }
  const auto stream = (*context)->make_stream(socket);
  http::IoResult step;
  bool in_time = stream != nullptr;
  while (in_time) {
    step = stream->handshake();
    if (step.io != http::Io::want_read && step.io != http::Io::want_write) break;
    in_time = wait_for(socket, step.io == http::Io::want_read ? POLLIN : POLLOUT,
                       started + kHandshakeTime);
  }
  if (in_time && step.io == http::Io::done) {
    const std::string detail = stream->security() + took(started);
    if (session_->options().http.tls.verify)
      pass("tls", detail);
    else
      note("tls", detail, "the certificate is not verified (--no-verify-ssl)");
    return true;
  }
  const std::string why = in_time ? stream->failure() : "no answer in time";
  const Error error(ErrorKind::unreachable,
                    "https://" + endpoint.host + ":" + std::to_string(endpoint.port) + ": " + why);
  fail("tls", "no secure connection", error);
  return false;
}

async::Task<bool> Examination::check_server() {
  const http::Url url = session_->endpoint().url;
  const async::Executor executor = runtime_->executor(async::Role::control);
  auto client = http::Client::make(*runtime_, executor, url.endpoint, session_->options().http);
  if (!client) {
    fail("server", "cannot be asked", client.error());
    skip("clock", "no answer");
    co_return false;
  }
  http::Request request;
  request.method = http::Method::head;
  request.target = url.base_path.empty() ? "/" : url.base_path;
  request.headers.emplace_back("Host", url.host_header());
  request.headers.emplace_back("User-Agent", "sluice");
  HeadOnly answer;
  const SteadyTime started = SteadyClock::now();
  const auto exchanged = co_await (*client)->exchange(request, answer);
  if (!exchanged) {
    fail("server", "no proper answer", exchanged.error());
    skip("clock", "no answer");
    co_return false;
  }
  std::string detail = "answers";
  if (const auto name = answer.head().find("server")) detail = text::escaped(*name) + " answers";
  pass("server", detail + took(started));
  judge_clock(answer.head());
  co_return true;
}

void Examination::judge_clock(const http::ResponseHead& head) {
  const auto said = head.find("date");
  const auto theirs = said ? dates::parse_http(*said) : std::nullopt;
  if (!theirs) return skip("clock", "the server does not tell the time");
  const std::int64_t skew = *theirs - WallClock::to_time_t(runtime_->wall_now());
  const std::int64_t off = std::abs(skew);
  if (off <= kSkewNoted) return pass("clock", "agrees with the server's");
  const std::string apart = units::format_duration(std::chrono::seconds(off)) +
                            (skew > 0 ? " behind" : " ahead of") + " the server's";
  note("clock", apart,
       "set this computer's clock, for example with \"timedatectl set-ntp true\"; sluice signs by "
       "the server's meanwhile");
}

async::Task<void> Examination::check_bucket() {
  const async::Executor executor = runtime_->executor(async::Role::control);
  auto store = s3::make_client(*runtime_, executor, session_);
  if (!store) {
    fail("list", "cannot be asked", store.error());
    skip("get", "nothing was listed");
    co_return;
  }
  store::ListRequest request;
  request.prefix = options_.source.prefix;
  request.max_keys = kKeysListed;
  const std::string region = session_->region();
  const SteadyTime started = SteadyClock::now();
  const auto page = co_await (*store)->list(std::move(request));
  if (!page) {
    if (page.error().kind == ErrorKind::denied) diagnosis_.policy = s3::iam_policy(*session_);
    fail("list", said(page.error()), page.error());
    skip("get", "nothing was listed");
    co_return;
  }
  const std::string count = page->objects.empty() ? "no keys"
                            : page->objects.size() == 1
                                ? "1 key"
                                : std::to_string(page->objects.size()) + " keys";
  const std::string detail = count + (page->truncated ? " and more" : "") + took(started);
  if (session_->region() != region)
    note("list", detail,
         "the bucket is in region " + session_->region() + "; --region " + session_->region() +
             " saves a request each time");
  else
    pass("list", detail);
  // The store lives on this role.
  const ListedObject* found = nullptr;
  for (const ListedObject& object : page->objects)
    if (object.storage != StorageClass::archived && (found == nullptr || found->size == 0))
      found = &object;
  if (found == nullptr) {
    skip("get", page->objects.empty() ? "there is no key to try" : "all listed keys are archived");
    co_return;
  }
  store::GetRequest get;
  get.key = found->key;
  get.version = Version{std::string(found->etag), found->size, found->modified_ms};
  if (found->size > 0) get.range = ByteRange::make(0, 1);
  Discard sink;
  const SteadyTime asked = SteadyClock::now();
  const auto got = co_await (*store)->get(std::move(get), sink);
  if (got) {
    pass("get", text::escaped(found->key) + took(asked));
    co_return;
  }
  if (got.error().kind == ErrorKind::denied) diagnosis_.policy = s3::iam_policy(*session_);
  fail("get", said(got.error()), got.error());
}

}  // namespace

Diagnosis diagnose(const DoctorOptions& options,
                   const std::function<void(const Check&)>& on_check) {
  return Examination(options, on_check).run();
}

}  // namespace sluice

#include "s3/object_client.hpp"

#include "aws/signer.hpp"
#include "base/text.hpp"
#include "s3/answers.hpp"
#include "s3/calls.hpp"
#include "s3/error_table.hpp"
#include "s3/explain.hpp"
#include "s3/hints.hpp"
#include "s3/list_page.hpp"

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::s3 {

namespace {

using MaybeCredentials = std::optional<aws::Credentials>;

/// A signature may fail for the clock's sake only beyond this; S3 allows 15 minutes, other services
/// of AWS 5 (SDK clock-skew cases: 4 minutes).
constexpr std::int64_t kFarSkewSeconds = 240;

/// Corrections that one request has used up. They are no retries: each makes another request.
struct Corrected {
  bool credentials = false;
  bool clock = false;
  bool region = false;
  std::vector<Feature> left_out;
};

/// What one attempt was made with.
struct Attempt {
  Place place;
  Draft draft;
  MaybeCredentials credentials;
  std::int64_t skew_seconds;
  std::string signature;
};

/// Whether what a server says quotes what we sent it: words for a log must not.
bool quotes_secret(std::string_view words, const Attempt& attempt) {
  const auto& key = attempt.place.customer_key;
  if (key && words.find(key->base64()) != std::string_view::npos) return true;
  if (!attempt.credentials) return false;
  for (const std::string* secret :
       {&attempt.credentials->secret_key, &attempt.credentials->session_token, &attempt.signature})
    if (!secret->empty() && words.find(*secret) != std::string_view::npos) return true;
  return false;
}

/// The end of the Authorization header: `Signature=` and 64 digits (SigV4).
std::string signature_of(const http::Request& request) {
  constexpr std::string_view kName = "Signature=";
  for (const auto& [name, value] : request.headers) {
    const std::size_t at = text::iequals(name, "authorization") ? value.find(kName) : value.npos;
    if (at != value.npos) return value.substr(at + kName.size());
  }
  return {};
}

bool same(const MaybeCredentials& a, const MaybeCredentials& b) noexcept {
  return a.has_value() == b.has_value() &&
         (!a || (a->access_key == b->access_key && a->secret_key == b->secret_key &&
                 a->session_token == b->session_token));
}

bool is_same_host(const http::Endpoint& a, const http::Endpoint& b) noexcept {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

class ObjectClient final : public store::ObjectStore {
 public:
  ObjectClient(async::Runtime& runtime, std::shared_ptr<Session> session, HttpClientFactory factory)
      : runtime_(runtime),
        session_(std::move(session)),
        factory_(std::move(factory)),
        signer_(session_->region()) {}

  /// So that a bad CA bundle is found before anything starts.
  Result<void> connect_first() {
    const Result<std::shared_ptr<http::Client>> client =
        http_for(session_->endpoint().url.endpoint);
    if (!client) return client.error();
    return {};
  }

  async::Task<Result<ListPage>> list(store::ListRequest request) override;
  async::Task<Result<store::ObjectHead>> head(store::HeadRequest request) override;
  async::Task<Result<store::ObjectHead>> get(store::GetRequest request,
                                             store::BodySink& sink) override;
  async::Task<Result<bool>> is_gone(std::string key) override;

 private:
  Result<ListPage> read_page(ListCall& call, const store::ListRequest& request) const;
  bool may_fall_back(const store::ListRequest& request) const;
  async::Task<Result<void>> perform(Call& call);
  async::Task<Result<void>> send(Call& call, Attempt& attempt);
  async::Task<Result<MaybeCredentials>> fetch_credentials();

  Failure assess(const Call& call, const Attempt& attempt, Correction& correction) const;
  async::Task<bool> correct(const Call& call, const Attempt& attempt, Failure& failure,
                            Correction correction, Corrected& corrected);
  bool correct_clock(const Call& call, const Attempt& attempt, Correction correction,
                     Corrected& corrected) const;
  async::Task<bool> refresh_credentials(const Attempt& attempt, Corrected& corrected);
  async::Task<bool> correct_region(const Attempt& attempt, Failure& failure, Corrected& corrected);
  async::Task<std::string> find_region();

  Result<std::shared_ptr<http::Client>> http_for(const http::Endpoint& endpoint);
  /// Uses up the draft's query and headers.
  http::Request sign(Attempt& attempt);
  Error no_answer(const Call& call, Error error) const;

  async::Runtime& runtime_;
  const std::shared_ptr<Session> session_;
  const HttpClientFactory factory_;
  aws::Signer signer_;
  std::shared_ptr<http::Client> http_;  ///< replaced when a correction changes the host
  http::Endpoint http_endpoint_;
};

async::Task<Result<ListPage>> ObjectClient::list(store::ListRequest request) {
  while (true) {
    ListCall call(request);
    const Result<void> done = co_await perform(call);
    if (!done) co_return done.error();
    const ListVersion asked = call.version();
    Result<ListPage> page = read_page(call, request);
    if (page) co_return page;
    const bool falls_back = page.error().code == kAnsweredInVersion1 && may_fall_back(request);
    if (!falls_back || asked == ListVersion::one) co_return no_answer(call, page.error());
    session_->switch_off(Feature::list_v2);
  }
}

bool ObjectClient::may_fall_back(const store::ListRequest& request) const {
  return request.token.empty() && Place(*session_).may_fall_back;
}

Result<ListPage> ObjectClient::read_page(ListCall& call, const store::ListRequest& request) const {
  ListExpectation expectation;
  // The alias of an access point is answered with the name of the bucket behind it.
  const std::string& bucket = session_->options().bucket;
  if (!bucket.ends_with("-s3alias") && !bucket.ends_with("--ol-s3")) expectation.bucket = bucket;
  expectation.prefix = request.prefix;
  expectation.version = call.version();
  expectation.token = marker_of(request.token).value_or(request.token);
  expectation.start_after = request.start_after;
  expectation.now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(runtime_.wall_now().time_since_epoch())
          .count() +
      session_->skew_seconds() * 1000;
  Result<ListPage> page = parse_list_page(call.take_body(), expectation);
  if (page && page->truncated && call.version() == ListVersion::one)
    page->next_token = token_of_marker(page->next_token);
  return page;
}

async::Task<Result<store::ObjectHead>> ObjectClient::head(store::HeadRequest request) {
  HeadCall call(request);
  if (session_->options().customer_key) call.distrust_etag();
  const Result<void> done = co_await perform(call);
  if (!done) co_return done.error();
  co_return call.take_head();
}

async::Task<Result<store::ObjectHead>> ObjectClient::get(store::GetRequest request,
                                                         store::BodySink& sink) {
  GetCall call(request, sink);
  if (session_->options().customer_key) call.distrust_etag();
  const Result<void> done = co_await perform(call);
  if (!done) co_return done.error();
  if (call.missing_bytes() != 0) {
    Error cut(ErrorKind::transient,
              "the answer ended " + std::to_string(call.missing_bytes()) + " bytes too early");
    co_return no_answer(call, std::move(cut));
  }
  co_return call.take_head();
}

async::Task<Result<bool>> ObjectClient::is_gone(std::string key) {
  ProbeCall call(key);
  const Result<void> done = co_await perform(call);
  // Whatever became of its body: an answer that could only be given of an existing key.
  if (done || call.is_present()) co_return false;
  const Error& error = done.error();
  if (error.kind == ErrorKind::missing_key) co_return true;
  if (error.kind == ErrorKind::archived || error.http_status == 416) co_return false;
  co_return error;
}

/// Sends the request, and again after each correction, until there is an answer to report.
async::Task<Result<void>> ObjectClient::perform(Call& call) {
  Corrected corrected;
  while (true) {
    Attempt attempt{Place(*session_), {}, {}, session_->skew_seconds(), {}};
    if (!corrected.left_out.empty()) attempt.place.leave_out_features();
    attempt.draft = call.draft(attempt.place);
    const Result<void> sent = co_await send(call, attempt);
    if (!sent && !call.is_refusal_cut()) co_return no_answer(call, sent.error());
    if (!call.is_refused()) {
      // They were the reason, so no other request needs to find out.
      for (const Feature feature : corrected.left_out)
        session_->switch_off(feature);
      co_return sent;
    }
    Correction correction = Correction::none;
    Failure failure = assess(call, attempt, correction);
    const bool again = co_await correct(call, attempt, failure, correction, corrected);
    if (again) continue;
    if (call.otherwise() && failure.document.code.empty()) {
      co_return no_answer(call, *call.otherwise());
    }
    Error error = explain(*session_, failure);
    error.message += hint(session_->options(), failure);
    co_return error;
  }
}

/// One exchange, with everything that a signature needs.
async::Task<Result<void>> ObjectClient::send(Call& call, Attempt& attempt) {
  const auto& rate = session_->options().request_rate;
  if (rate && rate->is_limited()) co_await rate->pass(runtime_, 1);
  call.start(runtime_, attempt.skew_seconds);
  Result<MaybeCredentials> credentials = co_await fetch_credentials();
  if (!credentials) co_return credentials.error();
  attempt.credentials = *std::move(credentials);
  const Result<std::shared_ptr<http::Client>> client = http_for(attempt.place.endpoint.endpoint);
  if (!client) co_return client.error();

  call.start(runtime_, attempt.skew_seconds);
  const http::Request request = sign(attempt);
  attempt.signature = signature_of(request);
  session_->count(attempt.draft.kind);
  const std::shared_ptr<http::Client> in_use = *client;  // may be replaced meanwhile
  const SteadyTime begun = runtime_.now();
  const Result<void> sent = co_await in_use->exchange(request, call);
  session_->count_answer(
      attempt.draft.kind, call.status(),
      std::chrono::duration_cast<std::chrono::microseconds>(call.answered() - begun));
  if (call.skew_seconds()) session_->set_skew_seconds(*call.skew_seconds());
  co_return sent;
}

async::Task<Result<MaybeCredentials>> ObjectClient::fetch_credentials() {
  if (!session_->options().sign) co_return MaybeCredentials();
  Result<MaybeCredentials> found = co_await session_->credentials()->get(runtime_);
  if (found && !*found) {
    co_return Error(ErrorKind::credentials,
                    session_->credentials()->name() +
                        " holds no credentials: provide some, or use --no-sign-request for a "
                        "public bucket");
  }
  co_return found;
}

http::Request ObjectClient::sign(Attempt& attempt) {
  aws::SigningInput input;
  input.method = attempt.draft.method;
  input.path = attempt.draft.path;
  input.query = std::move(attempt.draft.query);
  input.headers = std::move(attempt.draft.headers);
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(runtime_.wall_now().time_since_epoch())
          .count() +
      attempt.skew_seconds;
  http::Request request;
  if (attempt.credentials) {
    if (signer_.region() != attempt.place.region) signer_.set_region(attempt.place.region);
    request = signer_.sign(input, *attempt.credentials, now);
  } else {
    request = aws::Signer::unsigned_request(input);
  }
  // Never signed: proxies change them.
  request.headers.emplace_back("accept-encoding", "identity");
  request.headers.emplace_back("user-agent", "sluice");
  return request;
}

Result<std::shared_ptr<http::Client>> ObjectClient::http_for(const http::Endpoint& endpoint) {
  if (http_ && is_same_host(endpoint, http_endpoint_)) return http_;
  Result<std::unique_ptr<http::Client>> made = factory_(endpoint);
  if (!made) return made.error();
  http_ = *std::move(made);
  http_endpoint_ = endpoint;
  return http_;
}

/// For everything but an error that the service itself reported: puts what was tried in front.
Error ObjectClient::no_answer(const Call& call, Error error) const {
  if (call.has_local_failure() || error.kind == ErrorKind::credentials) return error;
  error.message = attempted(*session_, call.operation(), call.subject()) + ": " + error.message;
  return error;
}

Failure ObjectClient::assess(const Call& call, const Attempt& attempt,
                             Correction& correction) const {
  const http::ResponseHead& head = call.refusal();
  Failure failure;
  failure.operation = call.operation();
  failure.subject = call.subject();
  failure.document = call.error_document();
  for (std::string* words : {&failure.document.code, &failure.document.message})
    if (quotes_secret(*words, attempt)) *words = "(withheld: it quotes our credentials)";
  failure.status = head.status;
  // An error under status 200 counts as what it would have been with a 500 (botocore).
  const ErrorRow& row =
      error_row(head.status == 200 ? 500 : head.status, failure.document.code, call.operation());
  failure.kind = row.kind;
  correction = row.correction;
  failure.region = bucket_region(head);
  if (failure.region.empty()) failure.region = failure.document.region;
  // The answer to a HEAD names no code, only the region.
  if (failure.document.code.empty() && head.status == 400 && !failure.region.empty() &&
      failure.region != attempt.place.region) {
    failure.kind = ErrorKind::wrong_region;
    correction = Correction::region;
  }
  failure.skew_seconds = call.skew_seconds();
  // Which of the chain they came from, if that is known.
  if (session_->credentials() != nullptr)
    failure.credentials_name = session_->credentials()->name();
  if (attempt.credentials && !attempt.credentials->source.empty())
    failure.credentials_name = attempt.credentials->source;
  const WallTime server_now = runtime_.wall_now() + std::chrono::seconds(session_->skew_seconds());
  failure.retry_after = retry_after(head, server_now);
  return failure;
}

/// Whether the request is worth another attempt, because what was wrong with it was put right.
async::Task<bool> ObjectClient::correct(const Call& call, const Attempt& attempt, Failure& failure,
                                        Correction correction, Corrected& corrected) {
  bool again = false;
  switch (correction) {
    case Correction::none:
      break;
    case Correction::clock:
    case Correction::clock_if_far:
      again = correct_clock(call, attempt, correction, corrected);
      break;
    case Correction::refresh_credentials:
      again = co_await refresh_credentials(attempt, corrected);
      break;
    case Correction::region:
      again = co_await correct_region(attempt, failure, corrected);
      break;
    case Correction::drop_feature:
      again = corrected.left_out.empty() && !attempt.draft.features.empty();
      if (again) corrected.left_out = attempt.draft.features;
      break;
  }
  co_return again;
}

bool ObjectClient::correct_clock(const Call& call, const Attempt& attempt, Correction correction,
                                 Corrected& corrected) const {
  if (corrected.clock || !call.skew_seconds() || !session_->options().sign) return false;
  const std::int64_t error = std::abs(*call.skew_seconds() - attempt.skew_seconds);
  if (correction == Correction::clock_if_far && error <= kFarSkewSeconds) return false;
  corrected.clock = true;
  return true;
}

async::Task<bool> ObjectClient::refresh_credentials(const Attempt& attempt, Corrected& corrected) {
  if (corrected.credentials || !session_->options().sign) co_return false;
  corrected.credentials = true;
  // Another request may have brought new ones already.
  const Result<MaybeCredentials> current = co_await fetch_credentials();
  if (current && same(*current, attempt.credentials)) session_->credentials()->invalidate();
  co_return true;
}

async::Task<bool> ObjectClient::correct_region(const Attempt& attempt, Failure& failure,
                                               Corrected& corrected) {
  if (corrected.region) co_return false;
  corrected.region = true;
  if (failure.region.empty()) {
    std::string found = co_await find_region();
    failure.region = std::move(found);
  }
  // The second: another request has corrected it meanwhile.
  const bool is_new = session_->correct_region(failure.region);
  co_return is_new || session_->region() != attempt.place.region;
}

async::Task<std::string> ObjectClient::find_region() {
  BucketCall call;
  Attempt attempt{Place(*session_), {}, {}, session_->skew_seconds(), {}};
  attempt.draft = call.draft(attempt.place);
  // Whether it succeeds does not matter: the header comes with every status.
  const Result<void> sent = co_await send(call, attempt);
  std::string region;
  if (sent || call.is_refused()) region = call.region();
  co_return region;
}

}  // namespace

Result<std::unique_ptr<store::ObjectStore>> make_client_over(async::Runtime& runtime,
                                                             std::shared_ptr<Session> session,
                                                             HttpClientFactory factory) {
  auto client = std::make_unique<ObjectClient>(runtime, std::move(session), std::move(factory));
  if (const Result<void> ready = client->connect_first(); !ready) return ready.error();
  return std::unique_ptr<store::ObjectStore>(std::move(client));
}

Result<std::unique_ptr<store::ObjectStore>> make_client(async::Runtime& runtime,
                                                        async::Executor executor,
                                                        std::shared_ptr<Session> session) {
  const http::ClientOptions options = session->options().http;
  HttpClientFactory factory = [&runtime, executor, options](const http::Endpoint& endpoint) {
    return http::Client::make(runtime, executor, endpoint, options);
  };
  return make_client_over(runtime, std::move(session), std::move(factory));
}

}  // namespace sluice::s3

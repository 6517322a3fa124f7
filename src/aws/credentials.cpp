#include "aws/credentials.hpp"

#include "async/condition.hpp"
#include "aws/config.hpp"

#include <algorithm>
#include <cstdint>
#include <mutex>

namespace sluice::aws {
namespace {

using namespace std::chrono_literals;

using Answer = Result<std::optional<Credentials>>;

/// Renewed that long before the end, so that a request signed now does not expire under way (the
/// advisory windows of the AWS SDKs for lifetimes up to 20 minutes, below 90, and above).
WallClock::duration refresh_window(WallClock::duration lifetime) noexcept {
  if (lifetime <= 20min) return 5min;
  if (lifetime < 90min) return 15min;
  return 60min;
}

/// After a refresh that failed, while the old credentials are still valid.
constexpr WallClock::duration kRefreshRetry = 1min;

/// A failure that asking again would not mend is kept so long, so that a hundred transfers that
/// start together do not each start a program or ask a service that has said no.
constexpr WallClock::duration kFailureKept = 5s;

class Chain final : public CredentialsProvider {
 public:
  Chain(std::vector<std::shared_ptr<CredentialsProvider>> providers, std::function<WallTime()> now)
      : providers_(std::move(providers)), now_(std::move(now)) {}

  std::string name() const override {
    std::string names;
    for (const auto& provider : providers_) {
      if (!names.empty()) names += ", ";
      names += provider->name();
    }
    return names;
  }

  async::Task<Answer> get(async::Runtime& runtime) override {
    {
      std::unique_lock lock(mutex_);
      while (asking_) {
        const std::uint64_t round = rounds_;
        co_await answered_.wait(lock);
        // Whoever waited for that answer takes it, also a bad one. A round that was cancelled has
        // none.
        if (rounds_ != round && last_) co_return *last_;
      }
      if (is_fresh()) co_return kept_;
      if (failure_ && now_() < failed_until_) co_return *failure_;
      asking_ = true;
    }
    const Turn turn(*this);  // ends when this coroutine does, also by cancellation
    Answer answer = co_await ask(runtime);
    co_return settle(std::move(answer));
  }

  void invalidate() override {
    {
      const std::lock_guard lock(mutex_);
      kept_.reset();
      failure_.reset();
    }
    for (const auto& provider : providers_)
      provider->invalidate();
  }

 private:
  class Turn {
   public:
    explicit Turn(Chain& chain) : chain_(chain) {}
    ~Turn() {
      const std::lock_guard lock(chain_.mutex_);
      chain_.asking_ = false;
      chain_.answered_.notify_all();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Chain& chain_;
  };

  bool is_fresh() const { return kept_ && (!kept_->expires || now_() < refresh_at_); }

  async::Task<Answer> ask(async::Runtime& runtime) {
    for (const auto& provider : providers_) {
      Answer answer = co_await provider->get(runtime);
      if (answer && *answer && (*answer)->source.empty()) (*answer)->source = provider->name();
      if (!answer || *answer) co_return answer;
    }
    std::string message = "there are no credentials (asked: " + name() +
                          "); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile in "
                          "~/.aws/credentials, or --no-sign-request for a public bucket";
    co_return Error(ErrorKind::credentials, std::move(message));
  }

  Answer settle(Answer answer) {
    const std::lock_guard lock(mutex_);
    ++rounds_;
    last_ = judge(std::move(answer));
    return *last_;
  }

  /// Keeps a good answer; in place of a bad one gives what is held while that is valid.
  Answer judge(Answer answer) {
    const WallTime now = now_();
    if (answer && (*answer)->expires && *(*answer)->expires <= now)
      answer = Error(ErrorKind::expired,
                     "the credentials of " + (*answer)->source + " have expired; renew them");
    if (!answer) {
      const bool is_valid = kept_ && kept_->expires && *kept_->expires > now;
      if (!is_valid && answer.error().kind == ErrorKind::credentials) {
        failure_ = answer.error();
        failed_until_ = now + kFailureKept;
      }
      if (!is_valid) return answer;
      refresh_at_ = std::min(now + kRefreshRetry, *kept_->expires);
      return kept_;
    }
    failure_.reset();
    kept_ = *answer;
    if (kept_->expires) {
      const WallClock::duration lifetime = *kept_->expires - now;
      refresh_at_ = now + std::max(lifetime - refresh_window(lifetime), lifetime / 2);
    }
    return answer;
  }

  const std::vector<std::shared_ptr<CredentialsProvider>> providers_;
  const std::function<WallTime()> now_;

  std::mutex mutex_;
  async::Condition answered_;
  bool asking_ = false;
  std::uint64_t rounds_ = 0;    ///< answers so far
  std::optional<Answer> last_;  ///< of the last round, for those who waited for it
  std::optional<Error> failure_;
  WallTime failed_until_;
  std::optional<Credentials> kept_;
  WallTime refresh_at_;
};

class EnvironmentProvider final : public CredentialsProvider {
 public:
  explicit EnvironmentProvider(Environment environment) : environment_(std::move(environment)) {}

  std::string name() const override { return "environment"; }

  async::Task<Answer> get(async::Runtime&) override { co_return read(); }

 private:
  Answer read() const {
    std::optional<std::string> access_key = variable(environment_, "AWS_ACCESS_KEY_ID");
    std::optional<std::string> secret_key = variable(environment_, "AWS_SECRET_ACCESS_KEY");
    if (!access_key && !secret_key) return std::optional<Credentials>();
    if (!secret_key)
      return Error(
          ErrorKind::credentials,
          "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not; set both or neither");
    if (!access_key)
      return Error(
          ErrorKind::credentials,
          "AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not; set both or neither");
    Credentials credentials;
    credentials.access_key = std::move(*access_key);
    credentials.secret_key = std::move(*secret_key);
    credentials.session_token = variable(environment_, "AWS_SESSION_TOKEN").value_or("");
    return std::optional<Credentials>(std::move(credentials));
  }

  const Environment environment_;
};

}  // namespace

std::shared_ptr<CredentialsProvider> make_chain(
    std::vector<std::shared_ptr<CredentialsProvider>> providers, std::function<WallTime()> now) {
  if (!now) now = [] { return WallClock::now(); };
  return std::make_shared<Chain>(std::move(providers), std::move(now));
}

std::shared_ptr<CredentialsProvider> make_environment_provider(Environment environment) {
  return std::make_shared<EnvironmentProvider>(std::move(environment));
}

}  // namespace sluice::aws

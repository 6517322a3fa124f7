#include "aws/credentials.hpp"

#include "async/group.hpp"
#include "async/runtime.hpp"
#include "fake_services.hpp"
#include "shared_files.hpp"

#include <gtest/gtest.h>

namespace sluice::aws {
namespace {

using namespace std::chrono_literals;

using Answer = Result<std::optional<Credentials>>;

async::Task<void> credentials_of(CredentialsProvider& provider, async::Runtime& runtime,
                                 std::optional<Answer>& out) {
  Answer answer = co_await provider.get(runtime);
  out = std::move(answer);
}

Answer credentials_of(CredentialsProvider& provider) {
  const auto runtime = async::make_deterministic_runtime({});
  std::optional<Answer> out;
  runtime->run([&] { return credentials_of(provider, *runtime, out); });
  return std::move(out).value();
}

/// Answers what it is told to, and counts.
class Scripted final : public CredentialsProvider {
 public:
  explicit Scripted(std::string name) : name_(std::move(name)) {}

  std::string name() const override { return name_; }
  async::Task<Answer> get(async::Runtime&) override {
    ++asked;
    if (runtime != nullptr) co_await runtime->sleep_for(1s);
    co_return answer;
  }
  void invalidate() override { ++invalidated; }

  void give(const std::string& access_key, std::optional<WallTime> expires = {}) {
    Credentials credentials;
    credentials.access_key = access_key;
    credentials.secret_key = "secret";
    credentials.expires = expires;
    answer = std::optional<Credentials>(std::move(credentials));
  }

  Answer answer = std::optional<Credentials>();
  async::Runtime* runtime = nullptr;  ///< if set, answers take a second
  int asked = 0;
  int invalidated = 0;

 private:
  std::string name_;
};

class Chain : public ::testing::Test {
 protected:
  std::string key() {
    const Answer answer = credentials_of(*chain_);
    if (!answer) return "error: " + answer.error().message;
    return *answer ? (*answer)->access_key : std::string("(none)");
  }

  WallTime now_ = WallTime(1'700'000'000s);
  std::shared_ptr<Scripted> first_ = std::make_shared<Scripted>("first");
  std::shared_ptr<Scripted> second_ = std::make_shared<Scripted>("second");
  std::shared_ptr<CredentialsProvider> chain_ =
      make_chain({first_, second_}, [this] { return now_; });
};

TEST_F(Chain, FirstAnswerWinsAndIsKept) {
  second_->give("B");
  EXPECT_EQ(key(), "B");
  first_->give("A");
  EXPECT_EQ(key(), "B");
  EXPECT_EQ(first_->asked, 1);
  chain_->invalidate();
  EXPECT_EQ(first_->invalidated, 1);
  EXPECT_EQ(second_->invalidated, 1);
  EXPECT_EQ(key(), "A");
  EXPECT_EQ(second_->asked, 1);
}

TEST_F(Chain, AnErrorIsNotPassedOver) {
  first_->answer = Error(ErrorKind::credentials, "first is broken");
  second_->give("B");
  EXPECT_EQ(key(), "error: first is broken");
  EXPECT_EQ(second_->asked, 0);
}

TEST_F(Chain, NobodyHasAnySaysWhoWasAskedAndWhatToDo) {
  const Answer answer = credentials_of(*chain_);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::credentials);
  EXPECT_EQ(answer.error().message,
            "there are no credentials (asked: first, second); set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or a profile in ~/.aws/credentials, or --no-sign-request for a "
            "public bucket");
}

TEST_F(Chain, RefreshedBeforeTheyExpire) {
  const WallTime end = now_ + 6h;
  first_->give("A", end);
  EXPECT_EQ(key(), "A");
  now_ = end - 61min;
  EXPECT_EQ(key(), "A");
  EXPECT_EQ(first_->asked, 1);
  first_->give("B", end + 6h);
  now_ = end - 59min;
  EXPECT_EQ(key(), "B");
}

TEST_F(Chain, FailedRefreshKeepsWhatIsValid) {
  const WallTime end = now_ + 1h;
  first_->give("A", end);
  EXPECT_EQ(key(), "A");
  first_->answer = Error(ErrorKind::transient, "no network");
  now_ = end - 10min;
  EXPECT_EQ(key(), "A");
  EXPECT_EQ(key(), "A");
  EXPECT_EQ(first_->asked, 2) << "not asked again at once";
  now_ += 61s;
  EXPECT_EQ(key(), "A");
  EXPECT_EQ(first_->asked, 3);
  now_ = end;
  EXPECT_EQ(key(), "error: no network");
  first_->give("B", end + 1h);
  EXPECT_EQ(key(), "B");
}

TEST_F(Chain, ExpiredAnswerIsAFailure) {
  first_->give("A", now_);
  const Answer answer = credentials_of(*chain_);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::expired);
}

TEST_F(Chain, AFailureThatWillNotPassIsKeptForAMoment) {
  first_->answer = Error(ErrorKind::credentials, "no");
  EXPECT_EQ(key(), "error: no");
  now_ += 4s;
  EXPECT_EQ(key(), "error: no");
  EXPECT_EQ(first_->asked, 1);
  first_->give("A");
  now_ += 1s;
  EXPECT_EQ(key(), "A");
  chain_->invalidate();
  first_->answer = Error(ErrorKind::credentials, "no");
  EXPECT_EQ(key(), "error: no");
  chain_->invalidate();
  EXPECT_EQ(key(), "error: no");
  EXPECT_EQ(first_->asked, 4) << "asked again at once after invalidate";
  first_->answer = Error(ErrorKind::transient, "no network");
  now_ += 5s;
  EXPECT_EQ(key(), "error: no network");
  EXPECT_EQ(key(), "error: no network");
  EXPECT_EQ(first_->asked, 6) << "the retries of the caller have their own pauses";
}

TEST_F(Chain, ManyCallersShareAFailure) {
  const auto runtime = async::make_deterministic_runtime({});
  first_->runtime = runtime.get();
  first_->answer = Error(ErrorKind::transient, "no network");
  std::vector<std::optional<Answer>> answers(20);
  runtime->run([&]() -> async::Task<void> {
    async::TaskGroup group;
    for (unsigned i = 0; i < answers.size(); ++i)
      group.spawn(runtime->executor(async::Role::data, i % 2),
                  credentials_of(*chain_, *runtime, answers[i]));
    co_await group.join();
  });
  for (const auto& answer : answers)
    EXPECT_EQ(answer->error().message, "no network");
  EXPECT_EQ(first_->asked, 1);
}

TEST_F(Chain, ManyCallersAskOnce) {
  const auto runtime = async::make_deterministic_runtime({});
  first_->runtime = runtime.get();
  first_->give("A");
  std::vector<std::optional<Answer>> answers(20);
  runtime->run([&]() -> async::Task<void> {
    async::TaskGroup group;
    for (unsigned i = 0; i < answers.size(); ++i)
      group.spawn(runtime->executor(async::Role::data, i % 2),
                  credentials_of(*chain_, *runtime, answers[i]));
    co_await group.join();
  });
  for (const auto& answer : answers)
    EXPECT_EQ(answer->value()->access_key, "A");
  EXPECT_EQ(first_->asked, 1);
}

TEST_F(Chain, ACancelledCallerLetsTheNextAsk) {
  const auto runtime = async::make_deterministic_runtime({});
  first_->runtime = runtime.get();
  first_->give("A");
  std::optional<Answer> cancelled;
  std::optional<Answer> answer;
  runtime->run([&]() -> async::Task<void> {
    async::TaskGroup group;
    group.spawn(runtime->executor(async::Role::data), credentials_of(*chain_, *runtime, cancelled));
    co_await runtime->sleep_for(100ms);
    group.cancel();
    co_await group.join();
    async::TaskGroup next;
    next.spawn(runtime->executor(async::Role::data), credentials_of(*chain_, *runtime, answer));
    co_await next.join();
  });
  EXPECT_FALSE(cancelled);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->value()->access_key, "A");
}

class Providers : public tests::SharedFiles {
 protected:
  World world() {
    World world;
    world.environment = environment();
    world.exchange = services_.exchange();
    world.now = [] { return WallClock::now(); };
    return world;
  }
  tests::FakeServices services_;

  std::string found(std::string profile = {}) {
    const auto config = load(std::move(profile));
    if (!config) return "error: " + config.error().message;
    const Answer answer = credentials_of(*default_chain(world(), *config));
    if (!answer) return "error: " + answer.error().message;
    return (*answer)->access_key + " " + (*answer)->secret_key + " " + (*answer)->session_token;
  }
};

TEST_F(Providers, EnvironmentWinsOverTheProfile) {
  write_credentials("[default]\naws_access_key_id = B\naws_secret_access_key = b\n");
  EXPECT_EQ(found(), "B b ");
  variables_["AWS_ACCESS_KEY_ID"] = "A";
  variables_["AWS_SECRET_ACCESS_KEY"] = "a";
  EXPECT_EQ(found(), "A a ");
  variables_["AWS_SESSION_TOKEN"] = "t";
  EXPECT_EQ(found(), "A a t");
}

TEST_F(Providers, ProfileOfTheCommandLineWinsOverTheEnvironment) {
  write_credentials(
      "[dev]\naws_access_key_id = B\naws_secret_access_key = b\naws_session_token = u\n");
  variables_["AWS_ACCESS_KEY_ID"] = "A";
  variables_["AWS_SECRET_ACCESS_KEY"] = "a";
  EXPECT_EQ(found("dev"), "B b u");
  variables_["AWS_PROFILE"] = "dev";
  EXPECT_EQ(found(), "A a ");
}

TEST_F(Providers, HalfAPairNamesTheMissingHalf) {
  variables_["AWS_ACCESS_KEY_ID"] = "A";
  EXPECT_EQ(
      found(),
      "error: AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not; set both or neither");
  variables_.erase("AWS_ACCESS_KEY_ID");
  variables_["AWS_SECRET_ACCESS_KEY"] = "hush";
  EXPECT_EQ(
      found(),
      "error: AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not; set both or neither");
  variables_.erase("AWS_SECRET_ACCESS_KEY");

  write_credentials("[default]\naws_secret_access_key = hush\n");
  EXPECT_EQ(found(),
            "error: profile default in " + config().string() + " and " + credentials().string() +
                " has aws_secret_access_key but no aws_access_key_id; set both or neither");
  write_credentials("[default]\naws_access_key_id = A\n");
  EXPECT_NE(found().find("no aws_secret_access_key"), std::string::npos);
}

TEST_F(Providers, NothingNamesBoth) {
  EXPECT_TRUE(
      found().starts_with("error: there are no credentials (asked: environment, web identity, "
                          "profile default in " +
                          config().string() + " and " + credentials().string() +
                          ", container credentials, EC2 instance metadata (nobody answers there "
                          "(the test)));"))
      << found();
}

TEST_F(Providers, TheFirstThatHasAnyWins) {
  // Each row adds a source that goes before those above it.
  variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1";
  services_.answer(200, "TOKEN");
  services_.answer(200, "role");
  services_.answer(200, tests::metadata("INSTANCE", "2040-01-01T00:00:00Z"));
  EXPECT_EQ(found(), "INSTANCE s t");
  variables_["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  services_.answer(200, tests::metadata("CONTAINER", "2040-01-01T00:00:00Z"));
  EXPECT_EQ(found(), "CONTAINER s t");
  write_config("[default]\naws_access_key_id = PROFILE\naws_secret_access_key = s\n");
  EXPECT_EQ(found(), "PROFILE s ");
  write(home_ / "token", "jwt");
  variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = (home_ / "token").string();
  variables_["AWS_ROLE_ARN"] = "R";
  services_.answer(
      200, tests::sts_document("AssumeRoleWithWebIdentity", "IDENTITY", "2040-01-01T00:00:00Z"));
  EXPECT_EQ(found(), "IDENTITY s t");
  EXPECT_EQ(found("default"), "PROFILE s ") << "--profile";
  variables_["AWS_ACCESS_KEY_ID"] = "ENVIRONMENT";
  variables_["AWS_SECRET_ACCESS_KEY"] = "s";
  EXPECT_EQ(found(), "ENVIRONMENT s ");
  EXPECT_EQ(services_.left(), 0u);
}

TEST_F(Providers, ASourceThatIsMeantButBrokenIsNotPassedOver) {
  variables_["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/x";
  write_config("[default]\nrole_arn = R\n");
  EXPECT_NE(found().find("does not say with whose keys"), std::string::npos) << found();
  EXPECT_TRUE(services_.seen.empty());
}

TEST_F(Providers, TheAnswerSaysWhereItCameFrom) {
  variables_["AWS_ACCESS_KEY_ID"] = "A";
  variables_["AWS_SECRET_ACCESS_KEY"] = "s";
  EXPECT_EQ(credentials_of(*default_chain(world(), load().value())).value()->source, "environment");
}

TEST_F(Providers, RolesAreRenewedWithWhatTheFilesSayByThen) {
  write_config("[default]\nrole_arn = FIRST\nsource_profile = b\n");
  write_credentials("[b]\naws_access_key_id = B\naws_secret_access_key = b\n");
  WallTime now(1'700'000'000s);
  World world = this->world();
  world.now = [&now] { return now; };
  const auto chain = default_chain(world, load().value());
  services_.answer(200, tests::sts_document("AssumeRole", "A", "2023-11-14T23:13:20Z"));  // 1 h
  EXPECT_EQ(credentials_of(*chain).value()->access_key, "A");
  write_config("[default]\nrole_arn = SECOND\nsource_profile = b\n");
  write_credentials("[b]\naws_access_key_id = C\naws_secret_access_key = c\n");
  now += 44min;
  EXPECT_EQ(credentials_of(*chain).value()->access_key, "A");
  now += 2min;
  services_.answer(200, tests::sts_document("AssumeRole", "D", "2023-11-15T00:13:20Z"));
  EXPECT_EQ(credentials_of(*chain).value()->access_key, "D");
  EXPECT_NE(services_.seen[1].request.body.find("RoleArn=SECOND"), std::string::npos);
  EXPECT_NE(services_.seen[1].header("authorization").find("Credential=C/"), std::string::npos);
}

TEST_F(Providers, TwelveHoursOfRolesThatLastOneEach) {
  write_config("[default]\nrole_arn = R\nsource_profile = b\n");
  write_credentials("[b]\naws_access_key_id = B\naws_secret_access_key = b\n");
  WallTime now(1'700'000'000s);
  World world = this->world();
  world.now = [&now] { return now; };
  const auto chain = default_chain(world, load().value());
  const auto answer = [&](int hour) {
    const auto end =
        std::chrono::duration_cast<std::chrono::milliseconds>((now + 1h).time_since_epoch());
    services_.answer(200, tests::sts_document("AssumeRole", "H" + std::to_string(hour),
                                              dates::format_iso_ms(end.count())));
  };
  answer(0);
  EXPECT_EQ(credentials_of(*chain).value()->access_key, "H0");
  for (int hour = 1; hour <= 12; ++hour) {
    now += 46min;
    services_.fail(ErrorKind::credentials, "not now");
    EXPECT_EQ(credentials_of(*chain).value()->access_key, "H" + std::to_string(hour - 1));
    now += 2min;
    answer(hour);
    EXPECT_EQ(credentials_of(*chain).value()->access_key, "H" + std::to_string(hour));
  }
}

TEST_F(Providers, RotatedKeysAreReadAgainAfterInvalidate) {
  write_credentials("[default]\naws_access_key_id = A\naws_secret_access_key = a\n");
  const auto chain = default_chain(world(), load().value());
  EXPECT_EQ(credentials_of(*chain).value()->access_key, "A");
  write_credentials("[default]\naws_access_key_id = B\naws_secret_access_key = b\n");
  EXPECT_EQ(credentials_of(*chain).value()->access_key, "A");
  chain->invalidate();
  EXPECT_EQ(credentials_of(*chain).value()->access_key, "B");
  write_credentials("[default");
  chain->invalidate();
  EXPECT_EQ(credentials_of(*chain).error().kind, ErrorKind::usage);
  write_credentials("[default]\naws_access_key_id = C\naws_secret_access_key = c\n");
  EXPECT_EQ(credentials_of(*chain).value()->access_key, "C");
}

}  // namespace
}  // namespace sluice::aws

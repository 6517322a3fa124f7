#include "aws/credentials.hpp"

#include "../crypto/vector_files.hpp"
#include "async/group.hpp"
#include "async/runtime.hpp"
#include "shared_files.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

namespace sluice::aws {
namespace {

using namespace std::chrono_literals;

using Answer = Result<std::optional<Credentials>>;

async::Task<void> ask(CredentialsProvider& provider, std::optional<Answer>& out) {
  Answer answer = co_await provider.get();
  out = std::move(answer);
}

Answer ask(CredentialsProvider& provider) {
  const auto runtime = async::make_deterministic_runtime({});
  std::optional<Answer> out;
  runtime->run([&] { return ask(provider, out); });
  return std::move(out).value();
}

/// Answers what it is told to, and counts.
class Scripted final : public CredentialsProvider {
 public:
  explicit Scripted(std::string name) : name_(std::move(name)) {}

  std::string name() const override { return name_; }
  async::Task<Answer> get() override {
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
    const Answer answer = ask(*chain_);
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
  const Answer answer = ask(*chain_);
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
  const Answer answer = ask(*chain_);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::expired);
}

TEST_F(Chain, ManyCallersAskOnce) {
  const auto runtime = async::make_deterministic_runtime({});
  first_->runtime = runtime.get();
  first_->give("A");
  std::vector<std::optional<Answer>> answers(20);
  runtime->run([&]() -> async::Task<void> {
    async::TaskGroup group;
    for (unsigned i = 0; i < answers.size(); ++i)
      group.spawn(runtime->executor(async::Role::data, i % 2), ask(*chain_, answers[i]));
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
    group.spawn(runtime->executor(async::Role::data), ask(*chain_, cancelled));
    co_await runtime->sleep_for(100ms);
    group.cancel();
    co_await group.join();
    async::TaskGroup next;
    next.spawn(runtime->executor(async::Role::data), ask(*chain_, answer));
    co_await next.join();
  });
  EXPECT_FALSE(cancelled);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->value()->access_key, "A");
}

class Providers : public tests::SharedFiles {
 protected:
  std::string found(std::string profile = {}) {
    const auto config = load(std::move(profile));
    if (!config) return "error: " + config.error().message;
    const Answer answer = ask(*default_chain(environment(), *config));
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
      found().starts_with("error: there are no credentials (asked: environment, profile "
                          "default in " +
                          config().string() + " and " + credentials().string() + ");"))
      << found();
}

TEST_F(Providers, OtherSourcesAreNotReplacedByStaticKeys) {
  const std::string keys = "aws_access_key_id = A\naws_secret_access_key = a\n";
  write_config("[default]\nrole_arn = arn:aws:iam::123456789012:role/x\n" + keys);
  EXPECT_NE(found().find("takes its keys from role_arn"), std::string::npos) << found();
  write_config("[default]\ncredential_process = /bin/keys\n");
  EXPECT_NE(found().find("takes its keys from credential_process"), std::string::npos) << found();
  write_config("[default]\ncredential_process = /bin/keys\n" + keys);
  EXPECT_EQ(found(), "A a ");
}

TEST_F(Providers, RotatedKeysAreReadAgainAfterInvalidate) {
  write_credentials("[default]\naws_access_key_id = A\naws_secret_access_key = a\n");
  const auto chain = default_chain(environment(), load().value());
  EXPECT_EQ(ask(*chain).value()->access_key, "A");
  write_credentials("[default]\naws_access_key_id = B\naws_secret_access_key = b\n");
  EXPECT_EQ(ask(*chain).value()->access_key, "A");
  chain->invalidate();
  EXPECT_EQ(ask(*chain).value()->access_key, "B");
  write_credentials("[default");
  chain->invalidate();
  EXPECT_EQ(ask(*chain).error().kind, ErrorKind::usage);
  write_credentials("[default]\naws_access_key_id = C\naws_secret_access_key = c\n");
  EXPECT_EQ(ask(*chain).value()->access_key, "C");
}

TEST_F(Providers, ScenariosOfTheSdkForRust) {
  const auto folder =
      sluice::tests::foreign_vectors("aws-config-chain/default-credential-provider-chain");
  if (!folder) GTEST_SKIP() << "SLUICE_VECTORS has no aws-config-chain";
  for (const char* name :
       {"environment_variables", "environment_variables_blank", "prefer_environment",
        "profile_name", "profile_static_keys", "profile_static_keys_case_insensitive"}) {
    SCOPED_TRACE(name);
    simdjson::dom::parser parser;
    const simdjson::padded_string env(sluice::tests::read_file(*folder / name / "env.json"));
    variables_.clear();
    for (const auto& [key, value] : simdjson::dom::object(parser.parse(env)))
      variables_[std::string(key)] = std::string_view(value);
    variables_["HOME"] = (*folder / name / "fs" / variables_["HOME"].substr(1)).string();
    const simdjson::padded_string text(sluice::tests::read_file(*folder / name / "test-case.json"));
    const simdjson::dom::element expected = parser.parse(text)["result"]["Ok"];
    EXPECT_EQ(found(), std::string(std::string_view(expected["access_key_id"])) + " " +
                           std::string(std::string_view(expected["secret_access_key"])) + " ");
  }
}

}  // namespace
}  // namespace sluice::aws

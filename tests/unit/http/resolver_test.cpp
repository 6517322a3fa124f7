#include "http/resolver.hpp"

#include "async/group.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using async::Task;

/// The real thing, but for a clock that can be put forward.
class AheadRuntime final : public async::Runtime {
 public:
  void advance(SteadyClock::duration by) { ahead_ += by; }

  async::Executor executor(async::Role role, unsigned shard) override {
    return real_->executor(role, shard);
  }
  unsigned data_shards() const noexcept override { return real_->data_shards(); }
  SteadyTime now() const noexcept override { return real_->now() + ahead_; }
  WallTime wall_now() const noexcept override { return real_->wall_now(); }
  std::chrono::nanoseconds processor_time() const noexcept override { return {}; }
  Task<void> sleep_until(SteadyTime when) override { return real_->sleep_until(when); }
  std::uint64_t random() override { return 0; }
  void run(std::function<Task<void>()> main) override { real_->run(std::move(main)); }

 private:
  std::unique_ptr<async::Runtime> real_ = async::make_threaded_runtime({});
  SteadyClock::duration ahead_{};
};

class ResolverTest : public ::testing::Test {
 protected:
  struct Dns {
    std::atomic<int> asked = 0;
    std::mutex mutex;
    Result<Addresses> answer;
    std::chrono::milliseconds delay{0};
  };

  void answer(std::initializer_list<const char*> addresses) {
    Addresses list;
    for (const char* address : addresses)
      list.push_back(boost::asio::ip::make_address(address));
    std::lock_guard lock(dns_->mutex);
    dns_->answer = std::move(list);
  }

  void answer(Error error) {
    std::lock_guard lock(dns_->mutex);
    dns_->answer = std::move(error);
  }

  std::unique_ptr<Resolver> make(std::string host = "name", SteadyClock::duration limit = 10s) {
    return std::make_unique<Resolver>(
        runtime_, runtime_.executor(async::Role::control, 0), std::move(host), 80,
        [dns = dns_](const std::string&) {
          ++dns->asked;
          std::this_thread::sleep_for(dns->delay);
          std::lock_guard lock(dns->mutex);
          return dns->answer;
        },
        limit);
  }

  /// The next address as text, or the error's message.
  static Task<std::string> next(Resolver& resolver) {
    const auto address = co_await resolver.next();
    co_return address ? address->address().to_string() : address.error().message;
  }

  static Resolver::Address at(const char* address) {
    return {boost::asio::ip::make_address(address), 80};
  }

  AheadRuntime runtime_;
  std::shared_ptr<Dns> dns_ = std::make_shared<Dns>();
};

TEST_F(ResolverTest, LiteralsAreNotLookedUp) {
  for (const char* literal : {"127.0.0.1", "::1", "fd00:ec2::254"}) {
    runtime_ = AheadRuntime();
    runtime_.run([&]() -> Task<void> {
      const auto resolver = make(literal);
      const std::string address = co_await next(*resolver);
      EXPECT_EQ(address, literal);
      EXPECT_EQ(resolver->size(), 1u);
    });
  }
  EXPECT_EQ(dns_->asked, 0);
}

TEST_F(ResolverTest, AddressesAreUsedInTurn) {
  answer({"10.0.0.1", "10.0.0.2", "::2"});
  runtime_.run([&]() -> Task<void> {
    const auto resolver = make();
    std::map<std::string, int> used;
    for (int i = 0; i < 9; ++i) {
      const std::string address = co_await next(*resolver);
      ++used[address];
    }
    EXPECT_EQ(used.size(), 3u);
    for (const auto& [address, times] : used)
      EXPECT_EQ(times, 3) << address;
  });
  EXPECT_EQ(dns_->asked, 1);
}

TEST_F(ResolverTest, AFailedAddressIsPassedOverForAWhile) {
  answer({"10.0.0.1", "10.0.0.2"});
  runtime_.run([&]() -> Task<void> {
    const auto resolver = make();
    std::string address = co_await next(*resolver);
    EXPECT_EQ(address, "10.0.0.1");
    resolver->failed(at("10.0.0.1"));
    for (int i = 0; i < 3; ++i) {
      address = co_await next(*resolver);
      EXPECT_EQ(address, "10.0.0.2");
    }
    runtime_.advance(31s);
    address = co_await next(*resolver);
    EXPECT_EQ(address, "10.0.0.1");
    resolver->failed(at("10.0.0.2"));
    resolver->worked(at("10.0.0.2"));
    address = co_await next(*resolver);
    EXPECT_EQ(address, "10.0.0.2");
  });
  EXPECT_EQ(dns_->asked, 1);
}

TEST_F(ResolverTest, TheNameIsLookedUpAnewEveryMinute) {
  answer({"10.0.0.1"});
  runtime_.run([&]() -> Task<void> {
    const auto resolver = make();
    std::string address = co_await next(*resolver);
    answer({"10.0.0.9"});
    runtime_.advance(59s);
    address = co_await next(*resolver);
    EXPECT_EQ(address, "10.0.0.1");
    runtime_.advance(2s);
    // The old address serves until the answer is here.
    address = co_await next(*resolver);
    EXPECT_EQ(address, "10.0.0.1");
    for (int tries = 0; address == "10.0.0.1" && tries < 1000; ++tries) {
      co_await runtime_.sleep_until(SteadyClock::now() + 10ms);
      address = co_await next(*resolver);
    }
    EXPECT_EQ(address, "10.0.0.9");
  });
  EXPECT_EQ(dns_->asked, 2);
}

TEST_F(ResolverTest, WhenAllFailedTheNameIsLookedUpAnew) {
  answer({"10.0.0.1", "10.0.0.2"});
  runtime_.run([&]() -> Task<void> {
    const auto resolver = make();
    std::string address = co_await next(*resolver);
    resolver->failed(at("10.0.0.1"));
    runtime_.advance(10ms);
    resolver->failed(at("10.0.0.2"));
    // Not in a loop, though: what failed first is tried first.
    address = co_await next(*resolver);
    EXPECT_EQ(address, "10.0.0.1");
    EXPECT_EQ(dns_->asked, 1);
    answer({"10.0.0.1", "10.0.0.3"});
    runtime_.advance(2s);
    address = co_await next(*resolver);
    EXPECT_EQ(address, "10.0.0.3");
  });
  EXPECT_EQ(dns_->asked, 2);
}

TEST_F(ResolverTest, AFailedLookUpKeepsWhatWasKnown) {
  answer({"10.0.0.1"});
  runtime_.run([&]() -> Task<void> {
    const auto resolver = make();
    std::string address = co_await next(*resolver);
    answer(Error(ErrorKind::unreachable, "SERVFAIL"));
    runtime_.advance(61s);
    for (int i = 0; i < 2; ++i) {
      address = co_await next(*resolver);
      EXPECT_EQ(address, "10.0.0.1");
      co_await runtime_.sleep_until(SteadyClock::now() + 50ms);
    }
  });
}

TEST_F(ResolverTest, ALookUpThatHangsIsGivenUpAndNotRepeatedMeanwhile) {
  answer({"10.0.0.1"});
  dns_->delay = 3s;
  runtime_.run([&]() -> Task<void> {
    const auto resolver = make("name", 100ms);
    for (int i = 0; i < 2; ++i) {
      const auto begun = SteadyClock::now();
      const std::string message = co_await next(*resolver);
      EXPECT_NE(message.find("no answer within 100ms"), std::string::npos) << message;
      EXPECT_LT(SteadyClock::now() - begun, 1s);
    }
    std::string address;
    for (int tries = 0; address != "10.0.0.1" && tries < 1000; ++tries)
      address = co_await next(*resolver);
    EXPECT_EQ(address, "10.0.0.1");
  });
  EXPECT_EQ(dns_->asked, 1);
}

}  // namespace
}  // namespace sluice::http

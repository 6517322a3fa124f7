// A running server with one memory bucket, "b", and a client of it.
#pragma once

#include "client.hpp"
#include "origin/faults.hpp"
#include "origin/memory_bucket.hpp"
#include "origin/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace sluice::origin::test {

class WithServer : public testing::Test {
 protected:
  // Before the first use, tests change `options`.
  Server& server() {
    if (!server_) {
      options.credentials.push_back(test_credential());
      server_ = std::make_unique<Server>(options);
      server_->add_bucket("b", bucket);
      server_->start();
    }
    return *server_;
  }
  Client& client() {
    if (!client_) client_ = std::make_unique<Client>(server().port());
    return *client_;
  }
  void fault(Action action, Match match = {}) {
    Rule rule;
    rule.match = std::move(match);
    rule.actions.push_back(std::move(action));
    server().set_faults({rule}, 7);
  }

  ServerOptions options;
  std::shared_ptr<MemoryBucket> bucket = std::make_shared<MemoryBucket>();

 private:
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
};

class Stopwatch {
 public:
  std::chrono::milliseconds passed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start_);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace sluice::origin::test

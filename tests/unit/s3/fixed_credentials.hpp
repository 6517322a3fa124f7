#pragma once

#include "aws/credentials.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>

namespace sluice::s3 {

/// Gives the first of its credentials until it is invalidated, then the next.
class FixedCredentials final : public aws::CredentialsProvider {
 public:
  explicit FixedCredentials(std::deque<aws::Credentials> credentials)
      : credentials_(std::move(credentials)) {}

  static std::shared_ptr<FixedCredentials> make() {
    std::deque<aws::Credentials> two(2);
    two[0].access_key = "FIRSTKEY";
    two[0].secret_key = "first secret";
    two[0].session_token = "first token";
    two[1].access_key = "SECONDKEY";
    two[1].secret_key = "second secret";
    return std::make_shared<FixedCredentials>(std::move(two));
  }

  std::string name() const override { return "the test"; }
  async::Task<Result<std::optional<aws::Credentials>>> get(async::Runtime&) override {
    std::optional<aws::Credentials> found;
    if (!credentials_.empty()) found = credentials_.front();
    co_return found;
  }
  void invalidate() override {
    ++invalidations;
    if (credentials_.size() > 1) credentials_.pop_front();
  }

  int invalidations = 0;

 private:
  std::deque<aws::Credentials> credentials_;
};

}  // namespace sluice::s3

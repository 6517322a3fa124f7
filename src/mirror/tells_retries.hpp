#pragma once

#include "transfer/retry.hpp"

#include "sluice/observer.hpp"

#include <chrono>
#include <string>

namespace sluice::mirror {

/// Retries outside a pass, told to the observer as they are in one. It must outlive this.
class TellsRetries final : public transfer::RetryListener {
 public:
  explicit TellsRetries(Observer& observer) : observer_(observer) {}
  void on_retry(const Error& error, unsigned attempt, std::chrono::milliseconds) override {
    observer_.on_message(Level::debug,
                         "try " + std::to_string(attempt) + " failed: " + error.message);
  }

 private:
  Observer& observer_;
};

}  // namespace sluice::mirror

#pragma once

#include "async/runtime.hpp"
#include "store/object_store.hpp"
#include "tune/sample.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice::tune {

/// So many bytes of objects may be asked for; what was asked for counts, come or not. Any thread.
class Allowance {
 public:
  explicit Allowance(std::uint64_t bytes) : left_(bytes) {}
  bool take(std::uint64_t bytes) noexcept;
  std::uint64_t left() const noexcept { return left_; }

 private:
  std::atomic<std::uint64_t> left_;
};

/// What the stores of one trial have in common. Any thread.
class Meter {
 public:
  explicit Meter(Allowance& allowance) : allowance_(allowance) {}

  Allowance& allowance() noexcept { return allowance_; }
  void note_first_byte(double ms);
  BenchLatency latency();
  void refuse() noexcept { refused_ = true; }
  bool has_refused() const noexcept { return refused_; }  ///< the allowance was used up

 private:
  Allowance& allowance_;
  std::atomic<bool> refused_ = false;
  std::mutex mutex_;
  std::vector<double> first_bytes_ms_;
};

/// The sample as if it were the bucket: it is listed without asking anybody, and its objects are
/// those of the bucket behind `inner`, or the beginnings of them. Keeps to the allowance, and notes
/// how long the heads of answers take. All references must outlive it.
std::unique_ptr<store::ObjectStore> make_metered_store(async::Runtime& runtime,
                                                       std::unique_ptr<store::ObjectStore> inner,
                                                       const Sample& sample, Meter& meter);

}  // namespace sluice::tune

#pragma once

#include "async/runtime.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <memory>

namespace sluice::async {

/// Each test runs on the threaded runtime and on the deterministic one with several seeds.
class BothRuntimes : public ::testing::TestWithParam<int> {
 protected:
  std::unique_ptr<Runtime> make_runtime() const {
    if (GetParam() < 0) return make_threaded_runtime(ThreadedOptions{.data_shards = 2});
    return make_deterministic_runtime(
        DeterministicOptions{.seed = static_cast<std::uint64_t>(GetParam()), .data_shards = 2});
  }

  void SetUp() override {
    if (GetParam() >= 0) RecordProperty("seed", GetParam());
  }
};

inline std::string runtime_name(const ::testing::TestParamInfo<int>& info) {
  return info.param < 0 ? "threaded" : "seed" + std::to_string(info.param);
}

}  // namespace sluice::async

#define SLUICE_ON_BOTH_RUNTIMES(Fixture)                                \
  INSTANTIATE_TEST_SUITE_P(Runtimes, Fixture, ::testing::Range(-1, 12), \
                           ::sluice::async::runtime_name)

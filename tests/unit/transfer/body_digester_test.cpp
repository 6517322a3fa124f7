#include "transfer/body_digester.hpp"

#include "async/call_on.hpp"
#include "async/runtime.hpp"
#include "base/text.hpp"
#include "fake_bucket.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace sluice::transfer {
namespace {

/// On the threaded runtime (-1) and on the deterministic one with several seeds.
class BodyDigesterTest : public ::testing::TestWithParam<int> {
 protected:
  std::unique_ptr<async::Runtime> make_runtime() const {
    if (GetParam() < 0) return async::make_threaded_runtime({.data_shards = 1});
    return async::make_deterministic_runtime(
        {.seed = static_cast<std::uint64_t>(GetParam()), .data_shards = 1});
  }
  std::string random_body(std::size_t bytes) {
    std::string body(bytes, '\0');
    for (char& c : body)
      c = static_cast<char>(random_());
    return body;
  }
  std::mt19937 random_{static_cast<unsigned>(GetParam() + 2)};
};

INSTANTIATE_TEST_SUITE_P(Runtimes, BodyDigesterTest, ::testing::Range(-1, 6));

async::Task<void> digest_many(async::Runtime& runtime, BodyDigester& digester,
                              const std::vector<std::string>& bodies, unsigned worker,
                              unsigned workers, std::vector<std::string>& found) {
  for (std::size_t i = worker; i < bodies.size(); i += workers) {
    const Digest digest = co_await digester.md5(std::as_bytes(std::span(bodies[i])));
    found[i] = text::hex(std::as_bytes(std::span(digest.bytes)));
    if (i % 7 == 0) co_await runtime.sleep_for(std::chrono::microseconds(50));
  }
}

TEST_P(BodyDigesterTest, BodiesOfAllLengthsInManyRounds) {
  std::vector<std::string> bodies;
  for (const std::size_t bytes : {0, 1, 55, 56, 63, 64, 65, 119, 128, 4096, 4097, 65'536})
    bodies.push_back(random_body(bytes));
  for (int i = 0; i < 300; ++i)
    bodies.push_back(random_body(random_() % 9000));
  std::vector<std::string> found(bodies.size());
  BodyDigester digester;
  auto runtime = make_runtime();
  runtime->run([&]() -> async::Task<void> {
    std::vector<async::Task<void>> tasks;
    constexpr unsigned kWorkers = 50;  // more than one round holds
    for (unsigned worker = 0; worker < kWorkers; ++worker)
      tasks.push_back(digest_many(*runtime, digester, bodies, worker, kWorkers, found));
    const async::Executor data = runtime->executor(async::Role::data);
    co_await async::run_all(data, std::move(tasks));
  });
  for (std::size_t i = 0; i < bodies.size(); ++i)
    EXPECT_EQ(found[i], fake::md5_hex(bodies[i])) << "of " << bodies[i].size() << " bytes";
}

TEST_P(BodyDigesterTest, CancellationLosesNobodyElse) {
  const std::vector<std::string> bodies(40, random_body(3000));
  BodyDigester digester;
  auto runtime = make_runtime();
  std::vector<std::string> found(bodies.size());
  std::vector<std::string> lost(bodies.size());
  runtime->run([&]() -> async::Task<void> {
    const async::Executor data = runtime->executor(async::Role::data);
    async::TaskGroup cancelled;
    async::TaskGroup kept;
    for (unsigned i = 0; i < 20; ++i) {
      cancelled.spawn(data, digest_many(*runtime, digester, bodies, i, 40, lost));
      kept.spawn(data, digest_many(*runtime, digester, bodies, 20 + i, 40, found));
    }
    cancelled.cancel();
    co_await cancelled.join();
    co_await kept.join();
  });
  for (std::size_t i = 20; i < bodies.size(); ++i)
    EXPECT_EQ(found[i], fake::md5_hex(bodies[i]));
}

}  // namespace
}  // namespace sluice::transfer

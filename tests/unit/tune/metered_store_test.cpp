#include "tune/metered_store.hpp"

#include "async/runtime.hpp"
#include "fake_bucket.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::tune {
namespace {

struct Keeps final : store::BodySink {
  Result<void> begin(const store::ObjectHead& now) override {
    head = now;
    return {};
  }
  Result<void> write(std::span<const std::byte> bytes) override {
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }
  store::ObjectHead head;
  std::string body;
};

class MeteredStore : public ::testing::Test {
 protected:
  void make(std::uint64_t allowance, std::uint64_t of_each) {
    bucket_.put("a//b", "0123456789");
    std::vector<Candidate> candidates = {{"a//b", bucket_.objects().at("a//b").version}};
    sample_ = Sample(std::move(candidates), {{0, of_each}, {0, of_each}});
    allowance_.emplace(allowance);
    meter_.emplace(*allowance_);
    runtime_ = async::make_deterministic_runtime({.seed = 1, .data_shards = 1});
    store_ = make_metered_store(*runtime_, bucket_.make_store(*runtime_), sample_, *meter_);
  }
  async::Task<void> get_into(store::GetRequest request, std::optional<Error>& failure) {
    const auto got = co_await store_->get(std::move(request), sink_);
    if (!got) failure = got.error();
    if (got) answered_ = *got;
  }
  std::optional<Error> get(std::optional<ByteRange> range = std::nullopt) {
    store::GetRequest request;
    request.key = "00000001";
    request.version = sample_.source_of(request.key).version;
    request.range = range;
    std::optional<Error> failure;
    runtime_ = async::make_deterministic_runtime({.seed = 1, .data_shards = 1});
    store_ = make_metered_store(*runtime_, bucket_.make_store(*runtime_), sample_, *meter_);
    runtime_->run([&]() { return get_into(request, failure); });
    return failure;
  }

  fake::Bucket bucket_;
  Sample sample_;
  std::optional<Allowance> allowance_;
  std::optional<Meter> meter_;
  std::unique_ptr<async::Runtime> runtime_;
  std::unique_ptr<store::ObjectStore> store_;
  Keeps sink_;
  store::ObjectHead answered_;
};

TEST_F(MeteredStore, ANameStandsForAnObject) {
  make(100, 10);
  EXPECT_FALSE(get());
  EXPECT_EQ(sink_.body, "0123456789");
  EXPECT_EQ(sink_.head.version, bucket_.objects().at("a//b").version);
  EXPECT_EQ(allowance_->left(), 90U);
}

TEST_F(MeteredStore, TheBeginningOfAnObjectLooksLikeAWholeOne) {
  make(100, 4);
  EXPECT_FALSE(get());
  EXPECT_EQ(sink_.body, "0123");
  EXPECT_EQ(sink_.head.version.size, 4U);
  EXPECT_EQ(answered_.version, sample_.source_of("00000001").version);
  EXPECT_TRUE(sink_.head.checksums.empty());
  EXPECT_EQ(allowance_->left(), 96U);
  sink_.body.clear();
  EXPECT_FALSE(get(ByteRange::make(1, 2)));
  EXPECT_EQ(sink_.body, "12");
}

TEST_F(MeteredStore, NothingIsAskedForBeyondTheAllowance) {
  make(15, 10);
  EXPECT_FALSE(get());
  const std::uint64_t asked = bucket_.count(fake::Bucket::Operation::get);
  const auto failure = get();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind, ErrorKind::cancelled);
  EXPECT_TRUE(meter_->has_refused());
  EXPECT_EQ(bucket_.count(fake::Bucket::Operation::get), asked);
  EXPECT_FALSE(get(ByteRange::make(0, 5))) << "what is left may be used";
  EXPECT_EQ(allowance_->left(), 0U);
}

TEST(Meter, TellsMeanMedianAndTail) {
  Allowance allowance(0);
  Meter meter(allowance);
  EXPECT_EQ(meter.latency().mean_ms, 0);
  for (int ms = 100; ms >= 1; --ms)
    meter.note_first_byte(ms);
  const BenchLatency latency = meter.latency();
  EXPECT_NEAR(latency.mean_ms, 50.5, 1e-9);
  EXPECT_EQ(latency.p50_ms, 50);
  EXPECT_EQ(latency.p99_ms, 99);
}

}  // namespace
}  // namespace sluice::tune

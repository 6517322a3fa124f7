#include "crypto/crc.hpp"
#include "crypto/digest.hpp"
#include "crypto/hmac.hpp"
#include "crypto/md5_lanes.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <vector>

namespace sluice::crypto {
namespace {

std::vector<std::byte> block(const benchmark::State& state) {
  return std::vector<std::byte>(static_cast<std::size_t>(state.range(0)), std::byte{0x5a});
}

template <auto kCrc>
void BM_Crc(benchmark::State& state) {
  const std::vector<std::byte> bytes = block(state);
  for (auto _ : state)
    benchmark::DoNotOptimize(kCrc(0, bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Crc<crc32>)->Arg(100)->Arg(256 * 1024);
BENCHMARK(BM_Crc<crc32c>)->Arg(100)->Arg(256 * 1024);
BENCHMARK(BM_Crc<crc64nvme>)->Arg(100)->Arg(256 * 1024);
BENCHMARK(BM_Crc<portable::crc32>)->Arg(256 * 1024);
BENCHMARK(BM_Crc<portable::crc64nvme>)->Arg(256 * 1024);

void BM_CrcCombine(benchmark::State& state) {
  const auto length = static_cast<std::uint64_t>(state.range(0));
  for (auto _ : state)
    benchmark::DoNotOptimize(crc64nvme_combined(1, 2, length));
}
BENCHMARK(BM_CrcCombine)->Arg(8 * 1024 * 1024)->Arg(0x7fffffffffff);

template <Algorithm kAlgorithm>
void BM_Digest(benchmark::State& state) {
  const std::vector<std::byte> bytes = block(state);
  Hasher hasher = Hasher::make(kAlgorithm);
  for (auto _ : state) {
    hasher.update(bytes);
    benchmark::DoNotOptimize(hasher.finish());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Digest<Algorithm::md5>)->Arg(256 * 1024);
BENCHMARK(BM_Digest<Algorithm::sha1>)->Arg(256 * 1024);
BENCHMARK(BM_Digest<Algorithm::sha256>)->Arg(100)->Arg(256 * 1024);

/// As many streams as the first argument says, side by side, with the SIMD of the second; bytes of
/// all of them.
void BM_Md5Lanes(benchmark::State& state) {
  constexpr std::size_t kBlocks = 512;
  const auto streams = std::size_t(state.range(0));
  const auto simd = static_cast<Simd>(state.range(1));
  if (simd > widest_simd()) return state.SkipWithError("not on this processor");
  const std::vector<std::byte> bytes(kBlocks * kMd5BlockBytes);
  std::array<Md5State, kMd5Lanes> states;
  std::array<Md5Lane, kMd5Lanes> lanes{};
  for (std::size_t i = 0; i < kMd5Lanes; ++i)
    lanes[i] = {&states[i], bytes.data()};
  for (auto _ : state) {
    md5_blocks(std::span(lanes).first(streams), kBlocks, simd);
    benchmark::DoNotOptimize(states);
  }
  state.SetBytesProcessed(state.iterations() * std::int64_t(streams * bytes.size()));
}
BENCHMARK(BM_Md5Lanes)->ArgsProduct({{1, 2, 4, 8, 16}, {0, 1, 2}});

void BM_HmacKey(benchmark::State& state) {
  const std::vector<std::byte> bytes = block(state);
  const HmacKey key(bytes_of("secret"));
  for (auto _ : state)
    benchmark::DoNotOptimize(key.sign(bytes));
}
BENCHMARK(BM_HmacKey)->Arg(150);

}  // namespace
}  // namespace sluice::crypto

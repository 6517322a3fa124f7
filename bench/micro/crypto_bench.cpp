#include "crypto/crc.hpp"
#include "crypto/digest.hpp"
#include "crypto/hmac.hpp"

#include <benchmark/benchmark.h>

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

void BM_HmacKey(benchmark::State& state) {
  const std::vector<std::byte> bytes = block(state);
  const HmacKey key(bytes_of("secret"));
  for (auto _ : state)
    benchmark::DoNotOptimize(key.sign(bytes));
}
BENCHMARK(BM_HmacKey)->Arg(150);

}  // namespace
}  // namespace sluice::crypto

#include "local/path.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace sluice::local {
namespace {

void BM_PathFromKey(benchmark::State& state, const std::string& key) {
  for (auto _ : state)
    benchmark::DoNotOptimize(RelativePath::from_key(key, "photos/"));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(BM_PathFromKey, ordinary, "photos/2024/01/02/0001f3c2a9b84d1e.jpg");
BENCHMARK_CAPTURE(BM_PathFromKey, deep, [] {
  std::string key = "photos";
  while (key.size() < 1000)
    key += "/folder";
  return key;
}());
/// The refusal writes a sentence.
BENCHMARK_CAPTURE(BM_PathFromKey, refused, "photos/2024/../../0001f3c2a9b84d1e.jpg");

}  // namespace
}  // namespace sluice::local

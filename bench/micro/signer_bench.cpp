#include "aws/signer.hpp"

#include <benchmark/benchmark.h>

namespace sluice::aws {
namespace {

constexpr std::int64_t kWhen = 1704067200;

Credentials credentials(bool with_token) {
  Credentials own;
  own.access_key = "AKIAIOSFODNN7EXAMPLE";
  own.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  // As long as the tokens of instance roles are.
  if (with_token) own.session_token = std::string(900, 'T');
  return own;
}

SigningInput part_of(std::string_view path) {
  SigningInput input;
  input.path = path;
  input.headers = {{"Host", "example-bucket.s3.eu-central-1.amazonaws.com"},
                   {"Range", "bytes=8388608-16777215"},
                   {"If-Match", "\"d41d8cd98f00b204e9800998ecf8427e-3\""}};
  return input;
}

/// The hot one: a ranged GET. Argument: whether there is a session token.
void BM_SignerRangedGet(benchmark::State& state) {
  const SigningInput input = part_of("/photos/2024/01/02/0001f3c2a9b84d1e.jpg");
  const Credentials own = credentials(state.range(0) != 0);
  Signer signer("eu-central-1");
  for (auto _ : state)
    benchmark::DoNotOptimize(signer.sign(input, own, kWhen));
}
BENCHMARK(BM_SignerRangedGet)->Arg(0)->Arg(1);

void BM_SignerListPage(benchmark::State& state) {
  SigningInput input = part_of("/");
  input.headers.resize(1);
  input.query = {{"list-type", "2"},
                 {"encoding-type", "url"},
                 {"prefix", "photos/2024/"},
                 {"start-after", "photos/2024/01/02/0001f3c2a9b84d1e.jpg"}};
  const Credentials own = credentials(true);
  Signer signer("eu-central-1");
  for (auto _ : state)
    benchmark::DoNotOptimize(signer.sign(input, own, kWhen));
}
BENCHMARK(BM_SignerListPage);

/// Without a key from before: what a new day, or a new set of keys, costs.
void BM_SignerFirstOfTheDay(benchmark::State& state) {
  const SigningInput input = part_of("/key");
  const Credentials own = credentials(true);
  for (auto _ : state) {
    Signer signer("eu-central-1");
    benchmark::DoNotOptimize(signer.sign(input, own, kWhen));
  }
}
BENCHMARK(BM_SignerFirstOfTheDay);

}  // namespace
}  // namespace sluice::aws

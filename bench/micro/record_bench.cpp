// The record and the merge join over it. Its file is in $TMPDIR; figures of a tmpfs and of a disk
// differ in the commits only.
#include "../scratch_record.hpp"
#include "plan/merge_join.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

namespace sluice::record {
namespace {

/// A group of the publisher.
constexpr std::size_t kCommitRows = 4096;

std::string key_of(std::size_t number) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "photos/%04zu/%02zu/f%08zu.jpg", number / 1000,
                number / 50 % 20, number);
  return text.data();
}

ObjectRow row_of(std::size_t number) {
  return bench::row_of(key_of(number), number);
}

class Scratch : public bench::ScratchRecord {
 public:
  void upsert(std::size_t first, std::size_t count) {
    Batch batch;
    for (std::size_t i = 0; i < count; ++i)
      batch.upserts.push_back(row_of(first + i));
    record().commit(batch).value();
  }
  void fill(std::size_t rows) {
    for (std::size_t first = 0; first < rows; first += kCommitRows)
      upsert(first, std::min(kCommitRows, rows - first));
  }
};

/// One group commit: new rows after those there, or the same ones again.
void BM_RecordUpsert(benchmark::State& state, bool fresh) {
  Scratch scratch;
  scratch.fill(kCommitRows);
  std::size_t next = kCommitRows;
  for (auto _ : state) {
    scratch.upsert(fresh ? next : 0, kCommitRows);
    next += kCommitRows;
  }
  state.SetItemsProcessed(state.iterations() * std::int64_t(kCommitRows));
}
BENCHMARK_CAPTURE(BM_RecordUpsert, new_rows, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_RecordUpsert, known_rows, false)->Unit(benchmark::kMillisecond);

/// All rows in order, as a pass reads them. Argument: rows.
void BM_RecordScan(benchmark::State& state) {
  Scratch scratch;
  scratch.fill(std::size_t(state.range(0)));
  for (auto _ : state) {
    std::string after;
    for (;;) {
      const auto rows = scratch.record().rows_after(after, plan::MergeJoin::kChunkRows).value();
      if (rows.empty()) break;
      after = rows.back().key;
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_RecordScan)->Arg(100'000)->Unit(benchmark::kMillisecond);

/// What an unordered listing does for each key.
void BM_RecordFind(benchmark::State& state) {
  constexpr std::size_t kRows = 100'000;
  Scratch scratch;
  scratch.fill(kRows);
  std::size_t number = 0;
  for (auto _ : state) {
    number = (number + 7919) % kRows;
    benchmark::DoNotOptimize(scratch.record().find(key_of(number)));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RecordFind);

/// A pass over an unchanged bucket, listing and disk aside. Arguments: rows, and one key in how
/// many is gone from the bucket (0: none).
void BM_MergeJoin(benchmark::State& state) {
  const auto rows = std::size_t(state.range(0));
  const auto gone = std::size_t(state.range(1));
  Scratch scratch;
  scratch.fill(rows);
  std::vector<std::string> listed;
  for (std::size_t i = 0; i < rows; ++i)
    if (gone == 0 || i % gone != 0) listed.push_back(key_of(i));
  for (auto _ : state) {
    plan::MergeJoin join(scratch.record(), "");
    for (const std::string& key : listed)
      benchmark::DoNotOptimize(join.row_for(key));
    join.finish().value();
    scratch.record().clear_absent().value();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_MergeJoin)->Args({100'000, 0})->Args({100'000, 10})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::record

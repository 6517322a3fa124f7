// Seeded chaos: the whole engine in the deterministic runtime, on a bucket that changes and fails
// and a directory that others work in, with the invariants checked after every pass.
//
// SLUICE_CHAOS_SEED=7 repeats one seed and prints its trace; SLUICE_CHAOS_SEEDS=20000 tries more,
// from SLUICE_CHAOS_FIRST on.

#include "run.hpp"
#include "trial.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

namespace sluice::chaos {
namespace {

void print_end(const Trace& trace, std::size_t lines) {
  const std::size_t from = trace.size() > lines ? trace.size() - lines : 0;
  for (std::size_t i = from; i < trace.size(); ++i)
    std::cout << trace[i] << '\n';
}

TEST(Chaos, HarmsNothing) {
  const bool one = std::getenv("SLUICE_CHAOS_SEED") != nullptr;
  const std::uint64_t first = number_of(one ? "SLUICE_CHAOS_SEED" : "SLUICE_CHAOS_FIRST", 1);
  const std::uint64_t seeds = one ? 1 : number_of("SLUICE_CHAOS_SEEDS", 1000);
  Report all;
  unsigned failed = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const Report report = Trial(seed).run();
    all.passes += report.passes;
    all.crashes += report.crashes;
    all.stops += report.stops;
    all.faults += report.faults;
    if (one) print_end(report.trace, report.trace.size());
    if (!one && seed % 1000 == 0) std::cout << "seed " << seed << std::endl;
    if (report.violations.empty()) continue;
    if (!one) print_end(report.trace, 40);
    ADD_FAILURE() << "SLUICE_CHAOS_SEED=" << seed << ": " << report.violations.front();
    if (++failed == number_of("SLUICE_CHAOS_FAILURES", 1)) break;
  }
  std::cout << all.passes << " passes, " << all.crashes << " crashes, " << all.stops << " stops, "
            << all.faults << " faults\n";
}

TEST(Chaos, TheSameSeedGivesTheSameTrace) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Report once = Trial(seed).run();
    const Report again = Trial(seed).run();
    const std::size_t shorter = std::min(once.trace.size(), again.trace.size());
    std::size_t same = 0;
    while (same < shorter && once.trace[same] == again.trace[same])
      ++same;
    EXPECT_EQ(once.trace == again.trace, true)
        << "seed " << seed << " differs from line " << same
        << " on: " << (same < once.trace.size() ? once.trace[same] : "the end") << " / "
        << (same < again.trace.size() ? again.trace[same] : "the end");
  }
}

}  // namespace
}  // namespace sluice::chaos

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);
  return sluice::chaos::run_in_memory(argc, argv);
}

// Seeded chaos over real sockets: the program against an origin that fails, with signals, with a
// bucket that changes and a user who works in the mirror. The draws repeat from
// SLUICE_CHAOS_SEED=7, the timing does not; SLUICE_CHAOS_SEEDS=1000 tries more.

#include "run.hpp"
#include "socket_trial.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

namespace sluice::chaos {
namespace {

TEST(ChaosOverSockets, HarmsNothing) {
  if (std::getenv("SLUICE_BINARY") == nullptr) GTEST_SKIP() << "SLUICE_BINARY names no program";
  const bool one = std::getenv("SLUICE_CHAOS_SEED") != nullptr;
  const std::uint64_t first = number_of(one ? "SLUICE_CHAOS_SEED" : "SLUICE_CHAOS_FIRST", 1);
  const std::uint64_t seeds = one ? 1 : number_of("SLUICE_CHAOS_SEEDS", 100);
  unsigned passes = 0, killed = 0, terminated = 0, failed = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    const SocketTrial::Report report = SocketTrial(seed).run();
    passes += report.passes;
    killed += report.killed;
    terminated += report.terminated;
    if (!one && seed % 100 == 0) std::cout << "seed " << seed << std::endl;
    if (one || !report.violations.empty())
      for (const std::string& line : report.trace)
        std::cout << line << '\n';
    if (report.violations.empty()) continue;
    ADD_FAILURE() << "SLUICE_CHAOS_SEED=" << seed << ": " << report.violations.front();
    if (++failed == number_of("SLUICE_CHAOS_FAILURES", 1)) break;
  }
  std::cout << passes << " passes, " << killed << " killed, " << terminated << " terminated\n";
}

}  // namespace
}  // namespace sluice::chaos

int main(int argc, char** argv) {
  return sluice::chaos::run_in_memory(argc, argv);
}

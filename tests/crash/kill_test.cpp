// The process is killed, or stopped by a signal, at a drawn moment of a pass.
//
// $SLUICE_CRASH_SEED and $SLUICE_CRASH_CYCLES repeat a run (its draws, not its timing).

#include "trial.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

namespace sluice::crash {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds kMostToStop{5};

struct Signal {
  const char* name;
  int number;
  int status;  ///< the exit status of a pass that it ended
  unsigned cycles;
};

class SignalTest : public ::testing::TestWithParam<Signal> {};

INSTANTIATE_TEST_SUITE_P(Signals, SignalTest,
                         ::testing::Values(Signal{"Kill", SIGKILL, 128 + SIGKILL, 200},
                                           Signal{"Terminate", SIGTERM, 143, 30},
                                           Signal{"Interrupt", SIGINT, 130, 30}),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST_P(SignalTest, HarmsNothing) {
  const Signal& signal = GetParam();
  const std::uint64_t seed = seed_of_run();
  const unsigned cycles = cycles_of_run(signal.cycles);
  const fake::TemporaryDirectory root;
  Trial trial(root.path(), seed);
  unsigned stopped = 0;
  for (unsigned cycle = 0; cycle < cycles; ++cycle) {
    SCOPED_TRACE("SLUICE_CRASH_SEED=" + std::to_string(seed) + ", cycle " + std::to_string(cycle));
    trial.begin_cycle();
    // Now and then the pass that puts things right is stopped, too.
    do {
      // Only the program itself catches signals.
      auto program = trial.start(signal.number == SIGKILL ? Trial::Commits::also_often
                                                          : Trial::Commits::usual);
      trial.wait_for_moment(*program);
      program->signal(signal.number);
      std::optional<int> status = program->wait(kMostToStop);
      ASSERT_TRUE(status) << "still there " << kMostToStop.count() << " s after the signal";
      if (*status == signal.status) {
        ++stopped;
        status.reset();
      }
      for (const std::string& violation : trial.check_crashed(status))
        ADD_FAILURE() << "after the signal: " << violation;
    } while (trial.draw(4) == 0);
    for (const std::string& violation : trial.settle())
      ADD_FAILURE() << "after the next pass: " << violation;
    if (HasFailure()) break;
  }
  std::cout << signal.name << ": " << trial.tally() << '\n';
  EXPECT_GT(stopped, cycles / 4);
}

}  // namespace
}  // namespace sluice::crash

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // Memory is enough: what a kill loses is not on the disk either.
  if (std::getenv("TMPDIR") == nullptr && ::access("/dev/shm", W_OK) == 0)
    ::setenv("TMPDIR", "/dev/shm", 1);
  return RUN_ALL_TESTS();
}

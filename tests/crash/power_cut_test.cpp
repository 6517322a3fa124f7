// The power fails at a drawn moment of a pass, on a real ext4 or XFS ($SLUICE_CRASH_FILE_SYSTEM);
// what the journal did not hold is lost. Then the promises about files and record must hold, and
// the next pass must make all good.
//
// $SLUICE_CRASH_SEED and $SLUICE_CRASH_CYCLES repeat a run (its draws, not its timing).

#include "trial.hpp"
#include "volume.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

namespace sluice::crash {
namespace {

using namespace std::chrono_literals;

constexpr int kSkipped = 77;  // as meson reads it

std::string file_system() {
  const char* name = std::getenv("SLUICE_CRASH_FILE_SYSTEM");
  return name != nullptr ? name : "ext4";
}

/// One pass that is cut off. What is wrong on the disk afterwards.
std::vector<std::string> cut_one_pass(Trial& trial, Volume& volume, Trial::Commits commits,
                                      const Words& flags) {
  std::optional<int> status;
  {
    std::optional<Neighbour> neighbour;
    if (trial.draw(4) != 0) neighbour.emplace(volume.path(), trial.draw(~0ull));
    auto program = trial.start(commits, flags);
    if (!trial.wait_for_moment(*program)) status = program->wait(0ms);
    volume.cut_power();
    program->signal(SIGKILL);
    EXPECT_TRUE(program->wait()) << "cannot be killed";
  }
  volume.restart();
  return trial.check_crashed(status);
}

TEST(PowerCut, HarmsNothing) {
  const std::uint64_t seed = seed_of_run();
  const unsigned cycles = cycles_of_run(file_system() == "ext4" ? 200 : 110);
  Volume volume(file_system());
  Trial trial(volume.path(), seed);
  for (unsigned cycle = 0; cycle < cycles; ++cycle) {
    SCOPED_TRACE(file_system() + ", SLUICE_CRASH_SEED=" + std::to_string(seed) + ", cycle " +
                 std::to_string(cycle));
    trial.begin_cycle();
    for (const std::string& violation : cut_one_pass(trial, volume, Trial::Commits::also_often, {}))
      ADD_FAILURE() << "after the cut: " << violation;
    for (const std::string& violation : trial.settle())
      ADD_FAILURE() << "after the next pass: " << violation;
    if (HasFailure()) break;
  }
  std::cout << file_system() << ": " << trial.tally() << '\n';
  // Few passes may be over before their moment comes, else nothing was tried.
  EXPECT_GT(trial.interrupted(), cycles / 4);
}

/// The same without the syncs must harm something soon, else the test above proves nothing.
TEST(PowerCut, WithoutSyncsIsFoundOut) {
  const std::uint64_t seed = seed_of_run();
  constexpr unsigned kCycles = 40;
  Volume volume(file_system());
  unsigned harmed = 0;
  unsigned cycle = 0;
  for (; cycle < kCycles && harmed == 0; ++cycle) {
    Trial trial(volume.path() + "/trial" + std::to_string(cycle), seed + cycle);
    trial.begin_cycle();
    harmed += cut_one_pass(trial, volume, Trial::Commits::usual, {"--durability", "none"}).empty()
                  ? 0
                  : 1;
  }
  std::cout << file_system() << ": harm found in cycle " << cycle << '\n';
  EXPECT_GT(harmed, 0u) << "SLUICE_CRASH_SEED=" << seed;
}

}  // namespace
}  // namespace sluice::crash

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (const auto reason = sluice::crash::reason_against_volumes(sluice::crash::file_system())) {
    std::cout << "skipped: " << *reason << '\n';
    return sluice::crash::kSkipped;
  }
  return sluice::crash::run_apart([] { return RUN_ALL_TESTS(); });
}

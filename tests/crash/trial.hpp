// One bucket that changes, its origin, and one mirror of it that is brought to crash.
#pragma once

#include "changing_bucket.hpp"
#include "mirror_check.hpp"
#include "origin/server.hpp"
#include "program.hpp"
#include "temporary_directory.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace sluice::crash {

using Words = std::vector<std::string>;

/// $SLUICE_CRASH_SEED, else drawn.
std::uint64_t seed_of_run();
/// $SLUICE_CRASH_CYCLES, else `usual`.
unsigned cycles_of_run(unsigned usual);

class Trial {
 public:
  /// The mirror is made in folders below `root`.
  Trial(std::string root, std::uint64_t seed);

  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  const std::string& dir() const { return dir_; }

  /// The bucket changes; now and then the mirror is begun anew.
  void begin_cycle();
  /// A pass of $SLUICE_BINARY, or, in every other cycle where `grouped`, of $GROUPED_SYNC, which
  /// commits so often that one pass makes many groups.
  enum class Commits : std::uint8_t { usual, also_often };
  std::unique_ptr<testing::Program> start(Commits commits, const Words& flags = {});
  /// Until a drawn moment of the pass. True if the program still runs.
  bool wait_for_moment(testing::Program& program);

  /// Violations after the crash. `status` is the exit status if the program had ended before.
  std::vector<std::string> check_crashed(std::optional<int> status);
  /// An undisturbed pass, and what is wrong after it.
  std::vector<std::string> settle();

  /// Where in a pass the crashes came.
  std::string tally() const;
  unsigned interrupted() const { return interrupted_; }

 private:
  using Clock = std::chrono::steady_clock;

  /// After the start, after so many answers, or after a file has become visible: so much later.
  struct Moment {
    std::uint64_t answers = 0;
    std::optional<std::string> visible;
    std::chrono::microseconds delay{0};
  };
  Moment draw_moment();
  bool has_come(const Moment& moment) const;

  testing::ProgramOptions sync_options(const Words& flags) const;
  void begin_mirror();

  const std::string root_;
  std::mt19937_64 random_;
  ChangingBucket changing_;
  const fake::TemporaryDirectory home_;
  std::unique_ptr<origin::Server> server_;
  std::atomic<std::uint64_t> answers_{0};
  std::atomic<Clock::rep> last_answer_{0};
  std::string dir_;
  unsigned mirrors_ = 0;
  bool completed_ = false;  ///< this mirror has been complete once
  bool changed_meanwhile_ = false;

  // Of undisturbed passes, smoothed: where moments are drawn from.
  std::chrono::microseconds pass_{300'000};
  std::chrono::microseconds quiet_{50'000};
  unsigned interrupted_ = 0;
  unsigned before_any_ = 0, between_ = 0, rows_behind_ = 0, all_done_ = 0;
};

}  // namespace sluice::crash

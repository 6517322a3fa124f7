// One seed: a bucket, a mirror, and what happens to them until all must be well.
#pragma once

#include "crash.hpp"
#include "fake_bucket.hpp"
#include "faults.hpp"
#include "invariants.hpp"
#include "mirror/run_pass.hpp"
#include "temporary_directory.hpp"
#include "tree.hpp"
#include "world.hpp"

#include <memory>
#include <optional>
#include <string>

namespace sluice::chaos {

struct Report {
  Violations violations;
  Trace trace;
  std::uint64_t passes = 0;
  std::uint64_t crashes = 0;
  std::uint64_t stops = 0;
  std::uint64_t faults = 0;
};

class Trial {
 public:
  explicit Trial(std::uint64_t seed);

  /// Steps with faults, each followed by the checks; then the faults stop, and the mirror must
  /// become equal to the bucket and quiet.
  Report run();

 private:
  /// How a pass may go wrong, besides its faults.
  struct Plan {
    Weather weather = Weather::fair;
    FaultOptions faults;
    bool may_stop = false;
    bool may_crash = false;
    bool may_be_disturbed = false;  ///< the user works while the pass runs
    bool local_faults = false;
  };
  Plan draw_plan();

  void draw_bucket_options();
  void draw_options();
  void draw_filters();
  void step();
  void change_things();
  void harm_record();
  void run_passes(const Plan& plan, unsigned passes);
  void plan_moments(const Plan& plan, Faults& faults);
  PassSummary run_engine(const Plan& plan, Faults& faults);
  void check(const Plan& plan, const Tree& before, const Faults& faults,
             const PassSummary& summary);
  void settle();
  void check_quiet();
  /// Whether a pass over an unchanged bucket asks for objects: those of which the mirror can have
  /// no file.
  bool may_ask_again() const;
  void check_fresh_mirror();

  void say(std::string what) { report_.trace.push_back(std::move(what)); }
  void violated(const std::string& what);

  Random random_;
  const fake::TemporaryDirectory root_;
  const std::string dir_;
  const std::string outside_;
  std::unique_ptr<fake::Bucket> bucket_ = std::make_unique<fake::Bucket>();
  std::unique_ptr<World> world_;
  std::unique_ptr<User> user_;
  MirrorOptions options_;
  unsigned shards_ = 1;
  CrashPoint crash_;
  mirror::Pass* pass_ = nullptr;    ///< the one that runs
  Faults* faults_ = nullptr;        ///< of the pass that runs
  std::optional<Tree> at_crash_;    ///< the tree at the moment of a stop or crash
  std::set<std::string> flipped_;   ///< keys of which wrong bytes were served
  bool record_behind_ = false;      ///< an older record was put back
  bool record_was_harmed_ = false;  ///< at some time
  std::uint64_t usual_moments_ = 40;
  Report report_;
};

}  // namespace sluice::chaos

// One seed over real sockets: the program, the origin, and what happens to both.
#pragma once

#include "facts.hpp"
#include "invariants.hpp"
#include "origin/memory_bucket.hpp"
#include "origin/server.hpp"
#include "program.hpp"
#include "random.hpp"
#include "temporary_directory.hpp"
#include "tree.hpp"
#include "world.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace sluice::chaos {

class SocketTrial {
 public:
  explicit SocketTrial(std::uint64_t seed);

  struct Report {
    Violations violations;
    std::vector<std::string> trace;
    unsigned passes = 0;
    unsigned killed = 0;
    unsigned terminated = 0;
  };
  Report run();

 private:
  struct Plan {
    Weather weather = Weather::fair;
    int signal = 0;  ///< sent at a drawn moment
    std::chrono::microseconds after{0};
    bool bucket_changes = false;  ///< while the pass runs
  };

  void start_origin();
  void draw_options();
  void step();
  void settle();
  void pass(const Plan& plan);
  void note_deleted(const std::string& out);
  void judge(const Plan& plan, const Tree& before, int status, const std::string& out);
  testing::ProgramOptions command() const;
  void violated(const std::string& what);
  void say(std::string what) { report_.trace.push_back(std::move(what)); }

  Random random_;
  const fake::TemporaryDirectory root_;
  const std::string dir_;
  const std::string outside_;
  std::shared_ptr<origin::MemoryBucket> bucket_ = std::make_shared<origin::MemoryBucket>();
  std::unique_ptr<origin::Server> server_;
  std::unique_ptr<World> world_;
  std::unique_ptr<User> user_;
  MirrorOptions options_;
  Facts facts_;                   ///< of the pass that runs
  std::set<std::string> absent_;  ///< keys that were not in the bucket at some moment of it
  bool list_lies_ = false;
  bool flips_ = false;
  bool has_record_ = false;                  ///< a pass has come so far
  std::chrono::microseconds usual_{50'000};  ///< how long a pass takes
  Report report_;
};

}  // namespace sluice::chaos

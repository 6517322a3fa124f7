// What goes wrong between the engine and the bucket, drawn operation by operation; and what the
// engine was served all the same: the facts that the invariants are judged by.
#pragma once

#include "async/runtime.hpp"
#include "facts.hpp"
#include "random.hpp"
#include "store/object_store.hpp"
#include "world.hpp"

#include "sluice/observer.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace sluice::chaos {

using Trace = std::vector<std::string>;

struct FaultOptions {
  unsigned list_percent = 0;
  unsigned get_percent = 0;
  unsigned other_percent = 0;   ///< HEAD, and the question whether a key is gone
  unsigned change_percent = 0;  ///< of all operations: the bucket changes
  bool flips = true;            ///< unless nobody looks
};

/// Shared by all stores of one pass. One thread.
class Faults {
 public:
  Faults(FaultOptions options, Random& random, World& world, Trace& trace);

  Facts facts;
  /// Does something at the nth moment. Moments are the operations of the stores and what the
  /// observer is told: between any two of them the engine is somewhere else.
  void at_moment(std::uint64_t n, std::function<void()> deed);
  void moment();
  std::uint64_t moments() const { return moments_; }

  std::unique_ptr<store::ObjectStore> make_store(std::unique_ptr<store::ObjectStore> inner,
                                                 async::Runtime& runtime);
  void note_change(const std::string& key, bool present);

 private:
  friend class FaultyStore;
  friend class Meddler;

  const FaultOptions options_;
  Random& random_;
  World& world_;
  Trace& trace_;
  std::uint64_t moments_ = 0;
  std::multimap<std::uint64_t, std::function<void()>> deeds_;
};

/// Writes down what the engine says.
class Witness final : public Observer {
 public:
  Witness(Faults& faults, Trace& trace) : faults_(faults), trace_(trace) {}
  void on_object(const ObjectEvent& event) override;
  void on_message(Level level, std::string_view text) override;

 private:
  Faults& faults_;
  Trace& trace_;
};

}  // namespace sluice::chaos

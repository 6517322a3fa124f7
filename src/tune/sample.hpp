#pragma once

#include "base/result.hpp"
#include "model/object.hpp"

#include "sluice/bench.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Which objects are fetched in every trial.
namespace sluice::tune {

/// A key that was listed, and may be fetched.
struct Candidate {
  std::string key;
  Version version;
  bool has_checksum = false;
};

/// An object that a trial fetches under a name of its own: no two collide, and none has an unsafe
/// path, whatever the keys of the bucket are.
struct StandIn {
  std::size_t candidate = 0;
  std::uint64_t bytes = 0;  ///< less than the object has: only its beginning is fetched
};

struct SampleLimits {
  std::uint64_t bytes = 0;  ///< in all
  std::size_t objects = 0;
};

/// Objects to fetch, with about the mix of sizes of `candidates` (those with content count): all of
/// them, again and again, if they are few; else every so manieth by size. What does not fit then is
/// made to by cutting the largest ones short. Never more than `limits`; empty if there is nothing.
std::vector<StandIn> choose_sample(const std::vector<Candidate>& candidates, SampleLimits limits);

/// How many parts that makes.
std::uint64_t parts_of(const std::vector<StandIn>& sample, std::uint64_t part_bytes);

/// The sample as a bucket of its own, in the order of its names.
class Sample {
 public:
  struct Source {
    const Candidate& object;
    Version version;  ///< as it is shown to the engine
    std::uint64_t bytes;
    bool is_cut() const noexcept { return bytes < object.version.size; }
  };

  Sample() = default;
  Sample(std::vector<Candidate> candidates, std::vector<StandIn> chosen);

  bool empty() const noexcept { return chosen_.empty(); }
  std::size_t objects() const noexcept { return chosen_.size(); }
  const std::vector<StandIn>& chosen() const noexcept { return chosen_; }
  std::uint64_t bytes() const noexcept;
  std::size_t distinct() const;
  std::size_t cut_short() const;

  /// What a name stands for; it must be one of list_page().
  Source source_of(std::string_view name) const;
  ListPage list_page(const std::string& token) const;

 private:
  Version version_of(std::size_t index) const;

  std::vector<Candidate> candidates_;
  std::vector<StandIn> chosen_;
};

}  // namespace sluice::tune

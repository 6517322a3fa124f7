#pragma once

#include "sluice/bench.hpp"

#include <cstdint>
#include <optional>
#include <vector>

/// Deciding what to try next and what to recommend: nothing here measures anything.
namespace sluice::tune {

/// Rates that differ by less than this count as equal, or by less than the same setting differs
/// from itself, if that is more; but never by more than kMostTolerance.
inline constexpr double kLeastTolerance = 0.05;
inline constexpr double kMostTolerance = 0.25;
/// Of settings as fast, those that take no more CPU than this times the least count as cheap.
inline constexpr double kCheap = 1.10;
/// What is recommended has been measured so often, and so has the fastest.
inline constexpr unsigned kConfirmations = 3;

/// What may be tried: each ascending, and not empty.
struct Space {
  std::vector<unsigned> transfers;
  std::vector<std::uint64_t> part_bytes;
  std::vector<unsigned> threads;
};

struct Measured {
  double rate = 0;  ///< bytes a second
  double cpu = 0;   ///< CPU seconds a byte
};

struct Rated {
  BenchSetting setting;
  Measured measured;
};
/// The cheapest of those within `tolerance` of the fastest: the least CPU, then the fewest
/// transfers, the fewest threads, the part size nearest to the default. `rated` is not empty.
BenchSetting cheapest(const std::vector<Rated>& rated, double tolerance);

/// Coordinate descent: from the start along transfers, then part size, then threads; each line
/// upwards while that is faster, then downwards while that is no slower. At the end the two
/// settings that count are measured again. What comes next follows from what was measured alone.
class Sweep {
 public:
  /// `start` is in `space`.
  Sweep(Space space, BenchSetting start, unsigned most_trials);

  /// The setting to measure now; nothing when it is done.
  std::optional<BenchSetting> next() const;
  void note(const BenchSetting& setting, Measured measured);

  /// The cheapest of those within the tolerance of the fastest: the least CPU, then the fewest
  /// transfers, the fewest threads, the part size nearest to the default. Nothing was measured:
  /// none.
  std::optional<BenchSetting> recommended() const;
  double tolerance() const;

 private:
  struct Point {
    BenchSetting setting;
    std::vector<Measured> runs;
    Measured mean() const;
  };

  const Point* find(const BenchSetting& setting) const;
  template <class T>
  std::optional<BenchSetting> along(T BenchSetting::*coordinate, const std::vector<T>& values,
                                    BenchSetting& current) const;
  std::vector<Rated> means() const;
  std::optional<BenchSetting> to_confirm() const;

  const Space space_;
  const BenchSetting start_;
  const unsigned most_trials_;
  unsigned trials_ = 0;
  std::vector<Point> points_;
};

/// The same for the number of list requests at once.
class ListSweep {
 public:
  explicit ListSweep(std::vector<unsigned> values) : values_(std::move(values)) {}

  std::optional<unsigned> next() const;
  void note(unsigned concurrency, double keys_per_second);
  /// The fewest within the tolerance of the fastest; none if there is nothing to compare.
  std::optional<unsigned> recommended() const;

 private:
  struct Point {
    unsigned concurrency;
    double rate;
  };
  const std::vector<unsigned> values_;
  std::vector<Point> points_;
};

}  // namespace sluice::tune

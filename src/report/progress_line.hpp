#pragma once

#include "sluice/summary.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace sluice::report {

/// The recent speed of a counter: an average over its whole past in which a second counts the less
/// the longer ago it was.
class RateMeter {
 public:
  /// `total` at the time `at`, which never falls. A lower total starts anew.
  void add(std::uint64_t total, std::chrono::milliseconds at);
  double per_second() const noexcept;

 private:
  std::uint64_t total_ = 0;
  std::chrono::milliseconds at_{0};
  double amount_ = 0;
  double seconds_ = 0;
};

/// Turns snapshots of a pass into the line shown on a terminal:
/// `  3,214 of 10,000 objects  1.2 of 4.0 GiB  412 MiB/s  ETA 7s  2 errors`.
/// While the listing goes on, the last pass says how many objects to expect: `of ~10,000 objects`,
/// `ETA ~9s`; without one `of 5,000+ objects`. Plain ASCII, never wider than asked: what matters
/// least is left out first.
class ProgressLine {
 public:
  /// `elapsed` since the pass began; `columns` of the terminal, 0 if unknown.
  std::string render(const Progress& progress, std::chrono::milliseconds elapsed, unsigned columns);

 private:
  RateMeter bytes_;
  RateMeter objects_;
  RateMeter keys_;
};

}  // namespace sluice::report

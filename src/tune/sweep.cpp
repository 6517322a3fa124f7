#include "tune/sweep.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace sluice::tune {

namespace {

const double kDefaultPart = static_cast<double>(TuningOptions{}.part_bytes);

/// In doublings.
double distance_from_default(std::uint64_t part_bytes) {
  return std::abs(std::log2(static_cast<double>(part_bytes) / kDefaultPart));
}

const Rated& fastest(const std::vector<Rated>& rated) {
  return *std::max_element(rated.begin(), rated.end(), [](const Rated& a, const Rated& b) {
    return a.measured.rate < b.measured.rate;
  });
}

}  // namespace

BenchSetting cheapest(const std::vector<Rated>& rated, double tolerance) {
  const double least_rate = fastest(rated).measured.rate * (1 - tolerance);
  double least_cpu = fastest(rated).measured.cpu;
  for (const Rated& one : rated)
    if (one.measured.rate >= least_rate) least_cpu = std::min(least_cpu, one.measured.cpu);

  const auto order = [](const BenchSetting& s) {
    return std::tuple(s.transfers, s.threads, distance_from_default(s.part_bytes));
  };
  const Rated* found = nullptr;
  for (const Rated& one : rated) {
    if (one.measured.rate < least_rate || one.measured.cpu > least_cpu * kCheap) continue;
    if (found == nullptr || order(one.setting) < order(found->setting)) found = &one;
  }
  return found != nullptr ? found->setting : fastest(rated).setting;
}

Sweep::Sweep(Space space, BenchSetting start, unsigned most_trials)
    : space_(std::move(space)), start_(start), most_trials_(most_trials) {}

Measured Sweep::Point::mean() const {
  Measured sum;
  for (const Measured& run : runs) {
    sum.rate += run.rate;
    sum.cpu += run.cpu;
  }
  const auto count = static_cast<double>(runs.size());
  return {sum.rate / count, sum.cpu / count};
}

void Sweep::note(const BenchSetting& setting, Measured measured) {
  ++trials_;
  for (Point& point : points_)
    if (point.setting == setting) return point.runs.push_back(measured);
  points_.push_back({setting, {measured}});
}

const Sweep::Point* Sweep::find(const BenchSetting& setting) const {
  for (const Point& point : points_)
    if (point.setting == setting) return &point;
  return nullptr;
}

double Sweep::tolerance() const {
  double noise = kLeastTolerance;
  for (const Point& point : points_) {
    const auto [least, most] =
        std::minmax_element(point.runs.begin(), point.runs.end(),
                            [](const Measured& a, const Measured& b) { return a.rate < b.rate; });
    const double mean = point.mean().rate;
    if (mean > 0) noise = std::max(noise, (most->rate - least->rate) / 2 / mean);
  }
  return std::min(noise, kMostTolerance);
}

/// The next setting to measure on the line through `current`, if there is one; else `current` moves
/// to the cheapest of the line.
template <class T>
std::optional<BenchSetting> Sweep::along(T BenchSetting::*coordinate, const std::vector<T>& values,
                                         BenchSetting& current) const {
  const auto at = [&](std::size_t index) {
    BenchSetting setting = current;
    setting.*coordinate = values[index];
    return setting;
  };
  const auto place = std::find(values.begin(), values.end(), current.*coordinate);
  const auto start = static_cast<std::size_t>(place - values.begin());
  std::vector<Rated> line = {{current, find(current)->runs.front()}};
  double best = line.front().measured.rate;
  for (std::size_t i = start + 1; i < values.size(); ++i) {
    const Point* point = find(at(i));
    if (point == nullptr) return at(i);
    line.push_back({point->setting, point->runs.front()});
    const double rate = line.back().measured.rate;
    if (rate <= best * (1 + kLeastTolerance)) break;
    best = rate;
  }
  for (std::size_t i = start; i-- > 0;) {
    const Point* point = find(at(i));
    if (point == nullptr) return at(i);
    line.push_back({point->setting, point->runs.front()});
    const double rate = line.back().measured.rate;
    if (rate < best * (1 - kLeastTolerance)) break;
    best = std::max(best, rate);
  }
  current = cheapest(line, kLeastTolerance);
  return std::nullopt;
}

std::vector<Rated> Sweep::means() const {
  std::vector<Rated> out;
  for (const Point& point : points_)
    out.push_back({point.setting, point.mean()});
  return out;
}

std::optional<BenchSetting> Sweep::to_confirm() const {
  const std::vector<Rated> rated = means();
  // What is recommended first: it matters most if the trials run out.
  for (const BenchSetting& setting : {cheapest(rated, tolerance()), fastest(rated).setting})
    if (find(setting)->runs.size() < kConfirmations) return setting;
  return std::nullopt;
}

std::optional<BenchSetting> Sweep::next() const {
  if (trials_ >= most_trials_) return std::nullopt;
  if (find(start_) == nullptr) return start_;
  BenchSetting current = start_;
  if (auto setting = along(&BenchSetting::transfers, space_.transfers, current)) return setting;
  if (auto setting = along(&BenchSetting::part_bytes, space_.part_bytes, current)) return setting;
  if (auto setting = along(&BenchSetting::threads, space_.threads, current)) return setting;
  return to_confirm();
}

std::optional<BenchSetting> Sweep::recommended() const {
  if (points_.empty()) return std::nullopt;
  return cheapest(means(), tolerance());
}

std::optional<unsigned> ListSweep::next() const {
  const std::size_t done = points_.size();
  if (done >= values_.size()) return std::nullopt;
  // Two steps in a row that gain nothing: no more will.
  const auto gains = [this](std::size_t step) {
    return points_[step].rate > points_[step - 1].rate * (1 + kLeastTolerance);
  };
  if (done >= 3 && !gains(done - 1) && !gains(done - 2)) return std::nullopt;
  return values_[done];
}

void ListSweep::note(unsigned concurrency, double keys_per_second) {
  points_.push_back({concurrency, keys_per_second});
}

std::optional<unsigned> ListSweep::recommended() const {
  if (points_.size() < 2) return std::nullopt;
  double best = 0;
  for (const Point& point : points_)
    best = std::max(best, point.rate);
  for (const Point& point : points_)
    if (point.rate >= best * (1 - kLeastTolerance)) return point.concurrency;
  return std::nullopt;
}

}  // namespace sluice::tune

#include "tune/sample.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::tune {

namespace {

constexpr std::size_t kPageObjects = 1000;
constexpr std::size_t kNameDigits = 8;

/// Eight digits: the order of the names is that of the numbers.
std::string name_of(std::size_t index) {
  std::string digits = std::to_string(index);
  return std::string(kNameDigits - std::min(kNameDigits, digits.size()), '0') + digits;
}

std::uint64_t sum_of(const std::vector<StandIn>& sample) {
  std::uint64_t sum = 0;
  for (const StandIn& one : sample)
    sum += one.bytes;
  return sum;
}

/// The greatest size to which all may be cut so that they fit; 0 if not even a byte of each does.
std::uint64_t cap_of(const std::vector<StandIn>& sample, std::uint64_t most) {
  const auto fits = [&](std::uint64_t cap) {
    std::uint64_t sum = 0;
    for (const StandIn& one : sample)
      sum += std::min(one.bytes, cap);
    return sum <= most;
  };
  std::uint64_t low = 0;
  std::uint64_t high = most;
  while (low < high) {
    const std::uint64_t middle = high - (high - low) / 2;
    if (fits(middle))
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

}  // namespace

std::vector<StandIn> choose_sample(const std::vector<Candidate>& candidates, SampleLimits limits) {
  std::vector<StandIn> by_size;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (candidates[i].version.size > 0) by_size.push_back({i, candidates[i].version.size});
  if (by_size.empty() || limits.bytes == 0 || limits.objects == 0) return {};
  std::stable_sort(by_size.begin(), by_size.end(),
                   [](const StandIn& a, const StandIn& b) { return a.bytes < b.bytes; });

  // 1. Every so manieth, from the largest on: those are what a pass spends its time with.
  const std::uint64_t all = sum_of(by_size);
  const std::uint64_t by_bytes = all / limits.bytes + (all % limits.bytes != 0 ? 1 : 0);
  const std::uint64_t by_count = (by_size.size() + limits.objects - 1) / limits.objects;
  const std::uint64_t step = std::clamp<std::uint64_t>(std::max(by_bytes, by_count), 1,
                                                       std::max<std::size_t>(by_size.size(), 1));
  std::vector<StandIn> chosen;
  for (std::size_t i = by_size.size(); i > 0; i -= std::min<std::size_t>(i, step))
    chosen.push_back(by_size[i - 1]);
  std::reverse(chosen.begin(), chosen.end());

  // 2. The largest are cut short if all together are too much.
  const std::uint64_t cap = cap_of(chosen, limits.bytes);
  for (StandIn& one : chosen)
    one.bytes = std::min(one.bytes, cap);
  std::erase_if(chosen, [](const StandIn& one) { return one.bytes == 0; });

  // 3. Few and small ones are fetched again and again.
  const std::uint64_t once = sum_of(chosen);
  const std::size_t count = chosen.size();
  for (std::uint64_t sum = 2 * once;
       count > 0 && sum <= limits.bytes && chosen.size() + count <= limits.objects; sum += once)
    for (std::size_t i = 0; i < count; ++i)
      chosen.push_back(StandIn(chosen[i]));
  return chosen;
}

std::uint64_t parts_of(const std::vector<StandIn>& sample, std::uint64_t part_bytes) {
  std::uint64_t parts = 0;
  for (const StandIn& one : sample)
    parts += (one.bytes + part_bytes - 1) / part_bytes;
  return parts;
}

Sample::Sample(std::vector<Candidate> candidates, std::vector<StandIn> chosen)
    : candidates_(std::move(candidates)), chosen_(std::move(chosen)) {}

std::uint64_t Sample::bytes() const noexcept {
  return sum_of(chosen_);
}

std::size_t Sample::distinct() const {
  std::set<std::size_t> seen;
  for (const StandIn& one : chosen_)
    seen.insert(one.candidate);
  return seen.size();
}

std::size_t Sample::cut_short() const {
  std::set<std::size_t> seen;
  for (const StandIn& one : chosen_)
    if (one.bytes < candidates_[one.candidate].version.size) seen.insert(one.candidate);
  return seen.size();
}

/// The beginning of an object has none of its proofs: its ETag must not look like an MD5.
Version Sample::version_of(std::size_t index) const {
  const StandIn& one = chosen_[index];
  Version version = candidates_[one.candidate].version;
  if (one.bytes < version.size) {
    version.etag = "beginning-of-" + version.etag;
    version.size = one.bytes;
  }
  return version;
}

Sample::Source Sample::source_of(std::string_view name) const {
  const auto index = static_cast<std::size_t>(text::parse_uint(name).value_or(0));
  const StandIn& one = chosen_[index];
  return Source{candidates_[one.candidate], version_of(index), one.bytes};
}

ListPage Sample::list_page(const std::string& token) const {
  const auto first = static_cast<std::size_t>(text::parse_uint(token).value_or(0));
  const std::size_t end = std::min(first + kPageObjects, chosen_.size());
  ListPage page;
  std::vector<Version> versions;
  std::size_t bytes = 0;
  for (std::size_t i = first; i < end; ++i) {
    versions.push_back(version_of(i));
    bytes += std::max(kNameDigits, std::size_t{20}) + versions.back().etag.size();
  }
  page.buffer.reserve(bytes);
  const auto keep = [&page](std::string_view text) {
    const char* const at = page.buffer.data() + page.buffer.size();
    page.buffer.insert(page.buffer.end(), text.begin(), text.end());
    return std::string_view(at, text.size());
  };
  for (std::size_t i = first; i < end; ++i) {
    const Version& version = versions[i - first];
    const Candidate& object = candidates_[chosen_[i].candidate];
    ListedObject listed;
    listed.key = keep(name_of(i));
    listed.etag = keep(version.etag);
    listed.size = version.size;
    listed.modified_ms = version.modified_ms;
    listed.has_checksum = object.has_checksum && version.size == object.version.size;
    page.objects.push_back(listed);
  }
  page.truncated = end < chosen_.size();
  if (page.truncated) page.next_token = std::to_string(end);
  return page;
}

}  // namespace sluice::tune

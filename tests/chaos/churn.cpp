#include "churn.hpp"

#include "fake_bucket.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace sluice::chaos {

namespace {

/// Names that a consumer must be able to tell apart; none begins as another one does.
constexpr std::array kFolders = {"",        "plain/",    "two words/",      "\xc3\xa9\xe2\x82\xac/",
                                 "line\n/", "\"quote'/", "back\\slash/",    "\x1b[31mred/",
                                 "%2e+&=/", "\xff\xfe/", "\xe2\x80\xaeltr/"};

/// Of what is deleted some must be left: nothing is deleted for an empty listing.
constexpr std::size_t kLeastKeys = 8;

std::int64_t whole_second(std::int64_t ms) {
  return ms / 1000 * 1000;  // as HTTP dates
}

}  // namespace

Churn::Churn(origin::MemoryBucket& bucket, Random& random, std::size_t most_keys,
             std::uint64_t part_bytes)
    : bucket_(bucket), random_(random), most_keys_(most_keys), part_bytes_(part_bytes) {}

std::string Churn::key_of(std::size_t number) const {
  return kFolders[number % kFolders.size()] + ("k" + std::to_string(number));
}

std::uint64_t Churn::draw_size() {
  switch (random_.below(8)) {
    case 0:
      return 0;
    case 1:
      return part_bytes_ * random_.between(1, 3) + random_.below(2);
    default:
      return 1 + random_.below(part_bytes_ / 8);
  }
}

Churn::Version Churn::draw_version(std::uint64_t size_bytes) {
  Version version;
  version.content = random_.bytes(size_bytes);
  version.has_md5 = random_.chance(60);
  version.etag = version.has_md5 ? fake::md5_hex(version.content)
                                 : "opaque-" + std::to_string(++opaque_etags_);
  version.modified_ms = whole_second(clock_ms_ += 2000);
  return version;
}

/// Half of them cannot be told from what was there by size and time.
Churn::Version Churn::overwriting(const Version& before) {
  const bool looks_the_same = random_.chance(50) && before.content.size() > 8;
  Version version = draw_version(looks_the_same ? before.content.size() : 9 + draw_size());
  if (looks_the_same) version.modified_ms = before.modified_ms;
  return version;
}

Told Churn::put(const std::string& key, Version version) {
  origin::ObjectOptions options;
  if (!version.has_md5) {
    options.etag = '"' + version.etag + '"';
    options.checksum = random_.chance(50) ? origin::ChecksumAlgorithm::crc64nvme
                                          : origin::ChecksumAlgorithm::sha256;
  }
  bucket_.put(key, version.content, version.modified_ms, options);

  Told told{key, "added", "", version.etag, version.content.size()};
  if (const auto was = now_.find(key); was != now_.end()) {
    const bool is_other =
        was->second.etag != version.etag || was->second.content.size() != version.content.size();
    told.what = is_other ? "changed" : "renewed";
    told.old_etag = was->second.etag;
    before_[key].push_back(std::move(was->second));
  }
  now_[key] = std::move(version);
  return told;
}

Told Churn::remove(const std::string& key) {
  bucket_.remove(key);
  const auto was = now_.find(key);
  Told told{key, "removed", was->second.etag, "", was->second.content.size()};
  before_[key].push_back(std::move(was->second));
  now_.erase(was);
  return told;
}

Told Churn::change(const std::string& key) {
  const auto is = now_.find(key);
  if (is == now_.end()) return put(key, draw_version(draw_size()));
  const std::uint64_t what = random_.below(100);
  if (what < 25 && now_.size() > kLeastKeys) return remove(key);
  Version next = overwriting(is->second);
  if (what < 40) {  // a copy onto itself: the same version with a newer time
    next = is->second;
    next.modified_ms = whole_second(clock_ms_ += 2000);
  } else if (what < 55 && !before_[key].empty()) {  // an old version comes back
    next = random_.pick(before_[key]);
    next.modified_ms = whole_second(clock_ms_ += 2000);
  }
  return put(key, std::move(next));
}

std::vector<Told> Churn::round(std::size_t changes) {
  std::set<std::string> keys;
  for (std::size_t i = 0; i < changes; ++i)
    keys.insert(key_of(random_.below(most_keys_)));
  std::vector<Told> told;
  for (const std::string& key : keys)
    told.push_back(change(key));
  std::sort(told.begin(), told.end());
  return told;
}

std::map<std::string, std::string> Churn::now() const {
  std::map<std::string, std::string> files;
  for (const auto& [key, version] : now_)
    files[key] = version.content;
  return files;
}

}  // namespace sluice::chaos

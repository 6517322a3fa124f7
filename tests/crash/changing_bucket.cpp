#include "changing_bucket.hpp"

namespace sluice::crash {

void mark_mirrored(Histories& keys) {
  for (auto& [key, history] : keys) {
    history.floor = history.versions.size() - (history.present ? 1 : 0);
    history.may_be_absent = !history.present;
  }
}

ChangingBucket::ChangingBucket(std::uint64_t seed) : random_(seed) {
  for (std::size_t i = 0; i < kKeys; ++i)
    put("d" + std::to_string(i % 7) + "/e" + std::to_string(i % 3) + "/k" + std::to_string(i),
        draw_size(), random_());
  put(kMultiPartKey, 5 * kPartBytes + 123, random_());
}

/// As in life: many small ones, few large ones, some empty ones.
std::uint64_t ChangingBucket::draw_size() {
  const std::uint64_t kind = random_() % 100;
  if (kind < 10) return 0;
  if (kind < 65) return 1 + random_() % (16 << 10);
  if (kind < 92) return 1 + random_() % (128 << 10);
  if (kind < 99) return 1 + random_() % (512 << 10);
  return kLargestSmall;
}

void ChangingBucket::put(const std::string& key, std::uint64_t size, std::uint64_t content_seed) {
  // Whole seconds, as HTTP dates have them; each version has a time of its own.
  last_modified_ms_ += 1000;
  origin::ObjectOptions options;
  // Nothing but its length proves it: a part that is wrong on the disk has to be noticed as such.
  if (key == kMultiPartKey) options.etag = '"' + std::to_string(content_seed) + "-6\"";
  bucket_->put_generated(key, size, content_seed, last_modified_ms_, std::move(options));
  KeyHistory& history = keys_[key];
  history.versions.push_back(*bucket_->find(key));
  history.present = true;
  content_seeds_[key] = content_seed;
}

void ChangingBucket::remove(const std::string& key) {
  bucket_->remove(key);
  keys_[key].present = false;
  keys_[key].may_be_absent = true;
}

void ChangingBucket::change() {
  // A file gives way to a folder of its name.
  if (const std::string file = "turns/" + std::to_string(turns_); keys_[file].present) {
    remove(file);
    put(file + "/inside", draw_size(), random_());
    ++turns_;
  } else {
    put(file, draw_size(), random_());
  }
  for (const auto& [key, history] : keys_) {
    if (key.starts_with("turns/")) continue;
    const std::uint64_t what = random_() % 100;
    const std::uint64_t size = history.versions.back().info.size;
    if (!history.present) {
      if (what < 60) put(key, draw_size(), random_());
    } else if (key == kMultiPartKey) {
      if (what < 50) put(key, what < 25 ? size : (3 + what % 5) * kPartBytes + what, random_());
    } else if (what < 12) {
      put(key, size, random_());
    } else if (what < 24) {
      put(key, draw_size(), random_());
    } else if (what < 28) {
      put(key, size, content_seeds_.at(key));
    } else if (what < 36) {
      remove(key);
    }
  }
}

void ChangingBucket::replace_one() {
  auto at = keys_.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(random_() % keys_.size()));
  if (at->second.present) put(at->first, at->second.versions.back().info.size, random_());
}

void ChangingBucket::mark_mirrored() {
  crash::mark_mirrored(keys_);
}

void ChangingBucket::mark_empty_mirror() {
  mark_mirrored();
  for (auto& [key, history] : keys_)
    history.may_be_absent = true;
}

std::optional<std::string> ChangingBucket::draw_changed(std::uint64_t number) const {
  std::vector<std::string> changed;
  for (const auto& [key, history] : keys_)
    if (history.changed()) changed.push_back(key);
  if (changed.empty()) return std::nullopt;
  return changed[number % changed.size()];
}

std::uint64_t ChangingBucket::expected_gets() const {
  std::uint64_t gets = 0;
  for (const auto& [key, history] : keys_) {
    if (!history.changed()) continue;
    const origin::ObjectInfo& now = history.versions.back().info;
    // A newer time alone costs no GET.
    if (!history.may_be_absent && history.versions[history.floor].info.etag == now.etag) continue;
    gets += key == kMultiPartKey ? now.size / kPartBytes + 1 : (now.size > 0 ? 1 : 0);
  }
  return gets;
}

}  // namespace sluice::crash

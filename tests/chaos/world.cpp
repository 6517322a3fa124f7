#include "world.hpp"

#include "base/text.hpp"
#include "fake_bucket.hpp"

#include <algorithm>

namespace sluice::chaos {

int History::index_of(const std::string& content) const {
  for (std::size_t i = versions.size(); i-- > 0;)
    if (versions[i].content == content) return static_cast<int>(i);
  return -1;
}

World::World(WorldOptions options, Random& random)
    : options_(std::move(options)), random_(random) {}

const History* World::find(const std::string& key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? nullptr : &found->second;
}

bool World::is_present(const std::string& key) const {
  const History* history = find(key);
  return history != nullptr && history->present;
}

std::set<std::string> World::present() const {
  std::set<std::string> out;
  for (const auto& [key, history] : keys_)
    if (history.present) out.insert(key);
  return out;
}

/// Few names, so that keys meet: `a` and `a/b`, twins of case, a file where a folder was.
std::string World::draw_segment() {
  switch (random_.below(28)) {
    case 0:
      return "d e";
    case 1:
      return "\xc3\xa9";
    case 2:
      return "e\xcc\x81";  // the same letter, decomposed
    case 3:
      return "\x1b[31m\x01\x7f";
    case 4:
      return std::string(255, 'x');
    case 5:
      return random_.chance(30) ? std::string(256, 'y') : std::string(254, 'y');
    case 6:
      return random_.chance(40) ? ".." : "..a";
    case 7:
      return random_.chance(40) ? "." : ".a";
    case 8:
      return random_.chance(50) ? "" : "+";
    case 9:
      return random_.chance(50) ? ".sluice" : "%2e";
    case 10:
      return "A";
    case 11:
      return "a\\b:c*";
    case 12:
      if (!options_.any_bytes) return "con";
      return random_.chance(30) ? std::string("n\0l", 3) : std::string("\xff\xfe");
    default:
      return std::string(1, static_cast<char>('a' + random_.below(4)));
  }
}

std::string World::draw_key() {
  std::string key = options_.prefix;
  const std::uint64_t depth = random_.chance(3) ? 30 : random_.between(1, 3);
  for (std::uint64_t i = 0; i < depth; ++i) {
    std::string segment = depth > 3 ? "q" : draw_segment();
    if (key.size() + segment.size() > 1000) break;
    key += (i > 0 ? "/" : "") + segment;
  }
  if (random_.chance(8)) key += '/';
  return key.empty() ? "a" : key;  // no key is
}

std::uint64_t World::draw_size() {
  const std::uint64_t part = options_.part_bytes;
  switch (random_.below(10)) {
    case 0:
      return 0;
    case 1:
      return part * random_.between(1, 5);
    case 2:
    case 3:
      return part * random_.between(1, 5) + random_.below(part);
    default:
      return 1 + random_.below(part);
  }
}

Version World::draw_version(const std::string& key, std::uint64_t size) {
  Version version;
  if (!key.ends_with('/') || random_.chance(20)) version.content = random_.bytes(size);
  const std::uint64_t kind = random_.below(20);
  if (kind < 12)
    version.evidence = Evidence::md5;
  else if (kind < 17 || !options_.unprovable)
    version.evidence = Evidence::checksum;
  else if (kind < 19 || !options_.without_etags)
    version.evidence = Evidence::none;
  else
    version.evidence = Evidence::no_etag;
  version.archived = options_.archives && random_.chance(3);
  return version;
}

void World::put(const std::string& key, Version version) {
  if (version.evidence == Evidence::md5)
    version.etag = fake::md5_hex(version.content);
  else if (version.evidence != Evidence::no_etag)
    version.etag = "opaque-" + std::to_string(++etags_);
  if (version.modified_ms == 0) {
    // Without an ETag only the second tells two versions apart.
    clock_ms_ += version.evidence == Evidence::no_etag ? 2000 : random_.between(0, 1500);
    version.modified_ms = clock_ms_ / options_.time_grain * options_.time_grain;
    if (version.evidence == Evidence::no_etag) clock_ms_ += 2000;
  }
  History& history = keys_[key];
  history.versions.push_back(std::move(version));
  history.present = true;
  if (listener_) listener_(key, &history.now());
}

std::string World::populate() {
  const std::uint64_t count = random_.chance(5) ? 0 : random_.between(3, options_.most_keys);
  while (present().size() < count) {
    const std::string key = draw_key();
    put(key, draw_version(key, draw_size()));
  }
  return "the bucket holds " + std::to_string(count) + " keys";
}

std::string World::overwrite(const std::string& key) {
  const History* history = find(key);
  if (history == nullptr || !history->present) return "nothing to overwrite";
  const std::uint64_t size = history->now().content.size();
  const bool same_size = random_.chance(60) && size > 0;
  const std::int64_t before_ms = history->now().modified_ms;
  Version version = draw_version(key, same_size ? size : draw_size());
  const bool told_apart =
      version.evidence != Evidence::no_etag && history->now().evidence != Evidence::no_etag;
  if (same_size && told_apart && random_.chance(50)) version.modified_ms = before_ms;
  put(key, std::move(version));
  return "overwritten: " + shown(key);
}

std::string World::remove(const std::string& key) {
  const auto found = keys_.find(key);
  if (found == keys_.end() || !found->second.present) return "nothing to remove";
  found->second.present = false;
  if (listener_) listener_(key, nullptr);
  return "removed: " + shown(key);
}

std::string World::change() {
  const std::set<std::string> now = present();
  const std::uint64_t what = random_.below(100);
  if (now.empty() || (what < 25 && now.size() < options_.most_keys)) {
    const std::string key = draw_key();
    put(key, draw_version(key, draw_size()));
    return "put: " + shown(key);
  }
  const std::string key = random_.pick(now);
  if (what < 55) return overwrite(key);
  if (what < 62) {  // a copy onto itself: the same bytes, a newer time
    Version same = keys_.at(key).now();
    same.modified_ms = 0;
    clock_ms_ += 2000;
    put(key, std::move(same));
    return "touched: " + shown(key);
  }
  if (what < 68) {  // an old version comes back
    Version old = random_.pick(keys_.at(key).versions);
    old.modified_ms = 0;
    clock_ms_ += 2000;
    put(key, std::move(old));
    return "restored: " + shown(key);
  }
  if (what < 76 && !key.ends_with('/') && key.size() < 700) {  // a file becomes a folder
    const std::string below = key + "/" + draw_segment();
    if (random_.chance(70)) remove(key);
    put(below, draw_version(below, draw_size()));
    return "became a folder: " + shown(key);
  }
  const std::size_t slash = key.find('/', options_.prefix.size());
  // A folder becomes a file; the one before a leading slash has no name, and no key is empty.
  if (what < 84 && slash != std::string::npos && slash > 0) {
    const std::string folder = key.substr(0, slash);
    for (const std::string& other : now)
      if (other.starts_with(folder + "/") && random_.chance(90)) remove(other);
    put(folder, draw_version(folder, draw_size()));
    return "became a file: " + shown(folder);
  }
  return remove(key);
}

bool is_storable(const std::string& path) {
  if (path.empty() || path.size() > 1024 || path.find('\0') != std::string::npos) return false;
  const bool folder = path.back() == '/';
  const std::string clean = folder ? path.substr(0, path.size() - 1) : path;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t end = clean.find('/', begin);
    const std::string segment = clean.substr(begin, end - begin);
    if (segment.empty() || segment == "." || segment == ".." || segment.size() > 255) return false;
    if (begin == 0 && segment == ".sluice") return false;
    if (end == std::string::npos) return true;
    begin = end + 1;
  }
}

std::string shown(const std::string& bytes) {
  std::string out = text::escaped(bytes);
  // A name of 255 letters says no more than its end.
  for (const char letter : {'x', 'y'}) {
    const std::string run(200, letter);
    if (const std::size_t at = out.find(run); at != std::string::npos)
      out.replace(at, run.size(), "…");
  }
  return out;
}

}  // namespace sluice::chaos

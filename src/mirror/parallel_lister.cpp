#include "mirror/parallel_lister.hpp"

#include "async/call_on.hpp"
#include "async/condition.hpp"
#include "base/text.hpp"
#include "plan/key_shape.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <iterator>
#include <list>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::mirror {

namespace {

/// Requests that a section takes. The last one is half in vain: it must show a key beyond the end.
constexpr std::uint64_t kSectionPages = 8;
/// Sections that have more to come are cut again.
constexpr std::uint64_t kLongPages = 12;
/// At the end of a listing, where nobody has anything else to do, these are halved.
constexpr std::uint64_t kHalvedPages = 4;
/// Requests that may turn out to be needless: so many, and one for each kPagesAWaste pages.
constexpr std::uint64_t kWaste = 40;
constexpr std::uint64_t kPagesAWaste = 8;
/// Of the section that is handed on, so many pages may wait for the caller.
constexpr std::size_t kPagesWaiting = 4;
/// The density of keys is that of the last so many pages.
constexpr std::size_t kMeasuredPages = 32;
/// Sections that have shown nothing yet may lie in a gap between keys, all of them: so few are
/// tried at once. Each takes kSectionPages rounds of answers, so that this is twice what is needed.
constexpr unsigned kUntriedShare = 4;
/// What a section may hold to which no end is known.
constexpr double kManyKeys = 1e18;
/// Every so manieth key of a page is looked at, to learn what keys look like.
constexpr std::size_t kSample = 16;

/// A part of the key space that one walk lists: keys k with after < k <= last.
struct Section {
  Section(ListContext& context, std::string from, std::optional<std::string> to)
      : after(from), last(std::move(to)), shown(from), walk(context, std::move(from)) {}

  const std::string after;
  std::optional<std::string> last;
  std::string shown;  ///< the last key of it that the walk has shown, else `after`
  PageWalk walk;
  std::deque<ListPage> pages;  ///< not handed on yet
  std::uint64_t bytes = 0;     ///< of these
  std::deque<plan::Stretch> measured;
  std::uint64_t keys = 0;
  std::uint64_t expected_keys = 0;  ///< 0: nobody knows

  std::optional<std::string> first;   ///< the first key that the walk showed, of the section or not
  std::optional<std::string> beyond;  ///< the first that it showed beyond `last`
  std::optional<Error> failure;
  bool busy = false;     ///< a page has been asked for
  bool dropped = false;  ///< nobody waits for that page any more

  bool has_ended() const noexcept { return failure || beyond || !walk.has_more(); }
};
using SectionPtr = std::shared_ptr<Section>;
using Objects = std::vector<ListedObject>;

std::uint64_t bytes_of(const ListPage& page) noexcept {
  return page.buffer.capacity() + page.objects.capacity() * sizeof(ListedObject);
}

/// Keeps of a page only what was parsed: a third of the answer.
void compact(ListPage& page) {
  std::size_t bytes = 0;
  for (const ListedObject& object : page.objects)
    bytes += object.key.size() + object.etag.size();
  std::vector<char> buffer;
  buffer.reserve(bytes);
  const auto keep = [&buffer](std::string_view text) {
    const char* const at = buffer.data() + buffer.size();
    buffer.insert(buffer.end(), text.begin(), text.end());
    return std::string_view(at, text.size());
  };
  for (ListedObject& object : page.objects) {
    object.key = keep(object.key);
    object.etag = keep(object.etag);
  }
  page.common_prefixes.clear();
  page.objects.shrink_to_fit();
  page.buffer = std::move(buffer);
}

/// The first object beyond a key; `page` is in order.
Objects::iterator first_beyond(ListPage& page, const std::optional<std::string>& last) {
  if (!last) return page.objects.end();
  return std::upper_bound(
      page.objects.begin(), page.objects.end(), std::string_view(*last),
      [](std::string_view key, const ListedObject& object) { return key < object.key; });
}

bool is_in_order(const ListPage& page, std::string_view after) {
  for (const ListedObject& object : page.objects) {
    if (object.key <= after) return false;
    after = object.key;
  }
  return true;
}

void remember(std::deque<plan::Stretch>& measured, plan::Stretch stretch) {
  measured.push_back(std::move(stretch));
  if (measured.size() > kMeasuredPages) measured.pop_front();
}

Error contradiction(const std::string& last, const std::string& further) {
  return Error(ErrorKind::invalid_answer,
               "the listing contradicts itself: one page says that nothing comes after '" +
                   text::escaped(last) + "', another shows '" + text::escaped(further) +
                   "'; nothing can be concluded from it");
}

/// Everything happens on the caller's executor; the mutex is there for the conditions alone.
class ParallelListing {
 public:
  ParallelListing(ListContext& context, const ParallelOptions& options, const PageSink& sink)
      : context_(context), options_(options), sink_(sink) {
    sections_.push_back(std::make_shared<Section>(context_, "", std::nullopt));
  }

  async::Task<void> hand_on();
  async::Task<void> work();
  const Result<bool>& result() const noexcept { return result_; }

 private:
  using Place = std::list<SectionPtr>::iterator;

  async::Task<SectionPtr> next_job();
  SectionPtr job();
  std::vector<SectionPtr> near() const;
  void arrived(const SectionPtr& section, Result<ListPage>& page);
  void take(Section& section, ListPage& page);
  void count(Section& section, Objects::iterator begin, Objects::iterator end);
  void measure(Section& section, const ListPage& page, std::size_t keys);
  void fail(const SectionPtr& section, const Error& error);
  void go_on_alone();

  void settle();
  bool is_followed(Place place) const;
  void settle_end(Place place);
  void absorb_next(Place place);
  void drop_after(Place place);
  void drop(Section& section);

  std::optional<ListPage> next_page();
  bool is_over() const;

  struct Cut {
    SectionPtr section;
    std::string from;        ///< nothing unknown comes before this
    std::uint64_t keys = 0;  ///< after that
  };
  bool may_cut() const;
  std::vector<Cut> cuts();
  double keys_left(const SectionPtr& section, const std::string& from);
  std::optional<plan::KeyScale> scale_at(const SectionPtr& section);
  async::Task<bool> cut();
  std::optional<std::string> estimate(const Cut& cut);
  bool fits(const Section& section, const std::string& key) const;
  void cut_at(const Cut& cut, const std::string& key);
  std::uint64_t pages(std::uint64_t count) const noexcept { return count * page_keys_; }

  ListContext& context_;
  const ParallelOptions& options_;
  const PageSink& sink_;
  Result<bool> result_ = false;

  std::mutex mutex_;
  async::Condition page_arrived_;
  async::Condition work_came_;
  std::uint64_t changes_ = 0;  ///< counts what may give somebody work
  bool is_cutting_ = false;
  std::uint64_t looked_at_ = 0;  ///< nothing could be cut after so many answers
  bool may_be_cut_ = true;       ///< false: the server is not what it was taken for

  std::list<SectionPtr> sections_;  ///< in the order of their keys, never empty
  plan::KeyShape shape_;
  std::deque<plan::Stretch> measured_;  ///< of sections that have been handed on
  std::uint64_t bytes_ = 0;
  std::uint64_t page_bytes_ = 0;  ///< of the largest page that waited
  std::uint64_t page_keys_ = 1;   ///< of the fullest page
  std::uint64_t keys_ = 0;
  std::uint64_t requests_ = 0;  ///< that were answered
  std::uint64_t filled_ = 0;    ///< of these: with keys of their section
};

// --- Handing on ---

async::Task<void> ParallelListing::hand_on() {
  std::unique_lock lock(mutex_);
  while (!is_over()) {
    std::optional<ListPage> page = next_page();
    if (!page) {
      co_await page_arrived_.wait(lock);
      continue;
    }
    lock.unlock();
    const bool go_on = co_await sink_(*page);
    lock.lock();
    ++changes_;
    work_came_.notify_all();
    if (!go_on) {
      result_ = false;
      co_return;
    }
  }
}

/// settle_end() has set the result then.
bool ParallelListing::is_over() const {
  const Section& front = *sections_.front();
  return front.pages.empty() && !front.busy && front.has_ended() && !front.beyond;
}

std::optional<ListPage> ParallelListing::next_page() {
  Section& front = *sections_.front();
  if (front.pages.empty()) return std::nullopt;
  // The last page is cut where the next section begins, once that is known.
  const bool is_last = front.pages.size() == 1 && front.beyond;
  if (is_last && !is_followed(sections_.begin())) return std::nullopt;
  ListPage page = std::move(front.pages.front());
  front.pages.pop_front();
  const std::uint64_t bytes = bytes_of(page);
  front.bytes -= bytes;
  bytes_ -= bytes;
  if (!is_last) return page;
  page.objects.erase(first_beyond(page, front.last), page.objects.end());
  for (plan::Stretch& stretch : front.measured)
    remember(measured_, std::move(stretch));
  sections_.pop_front();
  return page;
}

// --- Listing ---

async::Task<void> ParallelListing::work() {
  for (;;) {
    const SectionPtr section = co_await next_job();
    Result<ListPage> page = co_await section->walk.next();
    std::lock_guard lock(mutex_);
    arrived(section, page);
    ++changes_;
    page_arrived_.notify_all();
    work_came_.notify_all();
  }
}

/// Waits for one: who has none when the listing ends is cancelled.
async::Task<SectionPtr> ParallelListing::next_job() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (SectionPtr section = job()) {
      section->busy = true;
      co_return section;
    }
    const std::uint64_t seen = changes_;
    if (!is_cutting_ && may_cut()) {
      is_cutting_ = true;
      lock.unlock();
      const bool has_cut = co_await cut();
      lock.lock();
      is_cutting_ = false;
      if (has_cut) {
        ++changes_;
        work_came_.notify_all();
      }
    }
    if (seen == changes_) co_await work_came_.wait(lock);
  }
}

/// The first section that may have another page.
SectionPtr ParallelListing::job() {
  for (const SectionPtr& section : near()) {
    if (section->busy || section->has_ended()) continue;
    if (section != sections_.front() || section->pages.size() < kPagesWaiting) return section;
  }
  return nullptr;
}

/// The sections for whose pages there is room: the first one always. The others may hold most of
/// the memory; the rest is for those that are needed before others that hold so much.
std::vector<SectionPtr> ParallelListing::near() const {
  std::vector<SectionPtr> out;
  std::uint64_t asked = 0;
  for (const SectionPtr& section : sections_)
    asked += section->busy ? page_bytes_ : 0;
  const bool is_full = bytes_ + asked + page_bytes_ > options_.bytes_ahead;
  std::uint64_t held = 0;
  for (const SectionPtr& section : sections_) {
    held += section->bytes + (section->busy ? page_bytes_ : 0);
    if (!out.empty() && (is_full || held + page_bytes_ > options_.bytes_ahead / 4 * 3)) break;
    out.push_back(section);
  }
  return out;
}

void ParallelListing::arrived(const SectionPtr& section, Result<ListPage>& page) {
  section->busy = false;
  ++requests_;
  if (section->dropped) return;
  if (page)
    take(*section, *page);
  else
    fail(section, page.error());
  settle();
}

void ParallelListing::take(Section& section, ListPage& page) {
  const bool is_first = &section == sections_.front().get();
  const std::string_view before = section.shown;
  if (!is_in_order(page, before)) {
    go_on_alone();
    if (!is_first) return;
  }
  page_keys_ = std::max<std::uint64_t>(page_keys_, page.objects.size());
  if (!section.first && !page.objects.empty()) section.first = page.objects.front().key;
  const auto end = first_beyond(page, section.last);
  if (end != page.objects.end()) section.beyond = end->key;
  const auto keys = static_cast<std::size_t>(end - page.objects.begin());
  if (keys > 0) {
    ++filled_;
    if (may_be_cut_) measure(section, page, keys);
  }
  count(section, page.objects.begin(), end);
  if (!is_first || !section.pages.empty()) {
    compact(page);
    page_bytes_ = std::max(page_bytes_, bytes_of(page));
  }
  section.bytes += bytes_of(page);
  bytes_ += bytes_of(page);
  section.pages.push_back(std::move(page));
}

/// These objects are of the section.
void ParallelListing::count(Section& section, Objects::iterator begin, Objects::iterator end) {
  if (begin == end) return;
  section.shown = std::prev(end)->key;
  section.keys += static_cast<std::uint64_t>(end - begin);
  keys_ += static_cast<std::uint64_t>(end - begin);
}

void ParallelListing::measure(Section& section, const ListPage& page, std::size_t keys) {
  // Keys beyond the section teach as well, how one folder follows upon another above all.
  std::vector<std::string_view> sample;
  for (std::size_t i = 0; i < page.objects.size(); i += kSample)
    sample.push_back(page.objects[i].key);
  sample.push_back(page.objects.back().key);
  shape_.learn(sample);
  // Before the first key of all there is nothing that could be measured.
  const std::string_view after = section.shown.empty() ? sample.front() : section.shown;
  const std::string_view last = page.objects[keys - 1].key;
  remember(section.measured, plan::Stretch{std::string(after), std::string(last), keys});
}

/// A section that failed before it showed anything was only tried: perhaps the server does not know
/// start-after. One that fails later would have failed the serial listing, too.
void ParallelListing::fail(const SectionPtr& section, const Error& error) {
  const Place place = std::find(sections_.begin(), sections_.end(), section);
  may_be_cut_ = false;
  if (place == sections_.begin() || section->first) {
    section->failure = error;
    drop_after(place);
    return;
  }
  absorb_next(std::prev(place));
}

/// Keys came out of order, or start-after was not understood.
void ParallelListing::go_on_alone() {
  may_be_cut_ = false;
  Section& front = *sections_.front();
  drop_after(sections_.begin());
  front.beyond.reset();
}

// --- Putting sections together ---

void ParallelListing::settle() {
  for (Place place = sections_.begin(); place != sections_.end();) {
    Section& section = **place;
    const Place next = std::next(place);
    if (!section.beyond) {
      if (section.has_ended()) return settle_end(place);
      place = next;
    } else if (is_followed(place)) {
      place = next;
    } else if (const Section& follower = **next; !follower.busy || follower.first) {
      absorb_next(place);  // and look at what has become of it
    } else {
      place = next;
    }
  }
}

/// Whether the walk of the next section begins with the key at which this one ended.
bool ParallelListing::is_followed(Place place) const {
  return (**std::next(place)).first == (**place).beyond;
}

/// The listing ends with this section, or the section with an error.
void ParallelListing::settle_end(Place place) {
  Section& section = **place;
  for (Place later = std::next(place); later != sections_.end() && !section.failure; ++later)
    if ((**later).first) section.failure = contradiction(section.shown, *(**later).first);
  drop_after(place);
  result_ = section.failure ? Result<bool>(*section.failure) : Result<bool>(true);
}

/// The walk of this section goes on through the next one.
void ParallelListing::absorb_next(Place place) {
  Section& section = **place;
  const Place next = std::next(place);
  const std::optional<std::string> ended_at = std::exchange(section.last, (**next).last);
  section.expected_keys += (**next).expected_keys;
  drop(**next);
  sections_.erase(next);
  if (!section.beyond) return;
  section.beyond.reset();
  ListPage& page = section.pages.back();
  const auto end = first_beyond(page, section.last);
  if (end != page.objects.end()) section.beyond = end->key;
  count(section, first_beyond(page, ended_at), end);
}

/// From here to the end there is this one section.
void ParallelListing::drop_after(Place place) {
  (**place).last.reset();
  for (Place later = std::next(place); later != sections_.end(); later = sections_.erase(later))
    drop(**later);
}

void ParallelListing::drop(Section& section) {
  section.dropped = true;
  bytes_ -= section.bytes;
  keys_ -= section.keys;
  section.pages.clear();
}

// --- Cutting ---

bool ParallelListing::may_cut() const {
  if (!may_be_cut_ || looked_at_ == requests_) return false;
  const auto is_unfinished = [](const SectionPtr& section) { return !section->has_ended(); };
  const auto count_in = [&](const auto& sections) {
    return static_cast<std::uint64_t>(
        std::count_if(sections.begin(), sections.end(), is_unfinished));
  };
  // As many as pages have come: twice as many with each round of answers, as long as little is
  // known. None before the second page: small buckets cost no request more.
  if (count_in(near()) >= std::min<std::uint64_t>(options_.concurrency, filled_)) return false;
  const auto untried = std::count_if(sections_.begin(), sections_.end(), [](const auto& section) {
    return !section->first && !section->has_ended();
  });
  if (untried >= std::max(options_.concurrency / kUntriedShare, 2u)) return false;
  const std::uint64_t needed = keys_ / page_keys_;
  return requests_ + count_in(sections_) <= needed + needed / kPagesAWaste + kWaste;
}

/// Where something might be cut off, the best first.
std::vector<ParallelListing::Cut> ParallelListing::cuts() {
  std::vector<Cut> long_ones;
  std::vector<Cut> others;
  // Where one section ended with a key far beyond its end, those up to that key are empty.
  std::string from;
  for (const SectionPtr& section : near()) {
    from = std::max({from, section->shown, section->beyond.value_or("")});
    if (section->has_ended()) continue;
    const double left = keys_left(section, from);
    if (left > static_cast<double>(pages(kLongPages)))
      long_ones.push_back({section, from, pages(kSectionPages) - page_keys_ / 2});
    else if (left >= static_cast<double>(pages(kHalvedPages)))
      others.push_back({section, from, static_cast<std::uint64_t>(left / 2)});
  }
  long_ones.insert(long_ones.end(), others.begin(), others.end());
  return long_ones;
}

double ParallelListing::keys_left(const SectionPtr& section, const std::string& from) {
  if (!section->last) return kManyKeys;
  if (from >= *section->last) return 0;
  if (section->keys < section->expected_keys)
    return static_cast<double>(section->expected_keys - section->keys);
  const auto scale = scale_at(section);
  return scale ? scale->keys_between(from, *section->last).value_or(kManyKeys) : 0;
}

/// By the density of the pages at the end of this section and before it.
std::optional<plan::KeyScale> ParallelListing::scale_at(const SectionPtr& section) {
  std::vector<plan::Stretch> seen;
  const auto add = [&seen](const std::deque<plan::Stretch>& measured) {
    for (auto it = measured.rbegin(); it != measured.rend() && seen.size() < kMeasuredPages; ++it)
      seen.push_back(*it);
  };
  Place at = std::find(sections_.begin(), sections_.end(), section);
  for (add((**at).measured); at != sections_.begin();) {
    --at;
    add((**at).measured);
  }
  add(measured_);
  return plan::KeyScale::make(shape_, seen);
}

async::Task<bool> ParallelListing::cut() {
  const std::uint64_t requests = requests_;
  const std::vector<Cut> possible = cuts();
  for (const Cut& one : possible) {
    std::optional<std::string> key;
    if (options_.landmark) {
      std::string from = one.from;
      key = co_await options_.landmark(std::move(from), one.keys);
    }
    if (one.section->dropped || one.section->has_ended()) continue;
    if (!key || !fits(*one.section, *key)) key = estimate(one);
    if (!key || !fits(*one.section, *key)) continue;
    cut_at(one, *key);
    co_return true;
  }
  looked_at_ = requests;
  co_return false;
}

std::optional<std::string> ParallelListing::estimate(const Cut& cut) {
  const auto scale = scale_at(cut.section);
  return scale ? scale->key_after(cut.from, cut.keys) : std::nullopt;
}

bool ParallelListing::fits(const Section& section, const std::string& key) const {
  return key > section.shown && (!section.last || key < *section.last) &&
         key.starts_with(context_.prefix) && plan::can_start_after(key);
}

void ParallelListing::cut_at(const Cut& cut, const std::string& key) {
  Section& section = *cut.section;
  auto rest = std::make_shared<Section>(context_, key, section.last);
  section.last = key;
  const std::uint64_t expected = section.keys + cut.keys;
  if (section.expected_keys > expected) rest->expected_keys = section.expected_keys - expected;
  section.expected_keys = expected;
  const Place place = std::find(sections_.begin(), sections_.end(), cut.section);
  sections_.insert(std::next(place), std::move(rest));
}

}  // namespace

async::Task<Result<bool>> list_in_ranges(ListContext& context, const ParallelOptions& options,
                                         const PageSink& sink) {
  if (options.concurrency < 2) {
    const KeyRange everything;
    co_return co_await list_range(context, everything, sink);
  }
  // Fewer where that loses nothing, and when the server says SlowDown.
  const std::atomic<std::uint64_t> no_bodies = 0;
  transfer::SharedLimit limit({1, options.concurrency, options.concurrency}, no_bodies);
  transfer::Concurrency requests(context.runtime, limit, 0, 1);
  ListContext sharing = context;
  sharing.concurrency = &requests;
  ParallelListing listing(sharing, options, sink);
  std::vector<async::Task<void>> workers;
  for (unsigned i = 0; i < options.concurrency; ++i)
    workers.push_back(listing.work());
  co_await async::run_led(context.runtime.executor(async::Role::control), listing.hand_on(),
                          std::move(workers));
  co_return listing.result();
}

}  // namespace sluice::mirror

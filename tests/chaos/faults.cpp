#include "faults.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace sluice::chaos {

namespace {

/// No pass over so few keys needs more: it would go on for ever.
constexpr std::uint64_t kMostMoments = 50'000;
constexpr std::chrono::seconds kStall{31};

Error fault(ErrorKind kind, std::string code) {
  Error error(kind, "drawn: " + std::string(to_string(kind)));
  error.code = std::move(code);
  return error;
}

/// What comes instead of an answer, the fatal ones seldom.
Error draw_error(Random& random) {
  switch (random.below(24)) {
    case 0:
      return fault(ErrorKind::denied, "AccessDenied");
    case 1:
      return fault(ErrorKind::credentials, "InvalidAccessKeyId");
    case 2:
      return fault(ErrorKind::missing_bucket, "NoSuchBucket");
    case 3:
    case 4:
    case 5:
    case 6: {
      Error error = fault(ErrorKind::throttled, "SlowDown");
      error.retry_after = std::chrono::milliseconds(random.below(2) * random.below(400'000));
      return error;
    }
    case 7:
    case 8:
    case 9:
      return fault(ErrorKind::invalid_answer, "");
    case 10:
      return fault(ErrorKind::unreachable, "");
    default:
      return fault(ErrorKind::transient, "InternalError");
  }
}

}  // namespace

Faults::Faults(FaultOptions options, Random& random, World& world, Trace& trace)
    : options_(options), random_(random), world_(world), trace_(trace) {
  facts.present = world.present();
}

void Faults::at_moment(std::uint64_t n, std::function<void()> deed) {
  deeds_.emplace(n, std::move(deed));
}

void Faults::moment() {
  if (++moments_ > kMostMoments) throw std::runtime_error("the pass does not come to an end");
  for (auto [at, end] = deeds_.equal_range(moments_); at != end; ++at)
    at->second();
}

void Faults::note_change(const std::string& key, bool present) {
  facts.bucket_changed = true;
  if (present) facts.present.insert(key);
  ++facts.traffic[key].lost;
}

/// Between the bucket and the engine: counts, cuts, flips.
class Meddler final : public store::BodySink {
 public:
  Meddler(store::BodySink& inner, Traffic& traffic) : inner_(inner), traffic_(traffic) {}

  std::optional<std::uint64_t> cut_at;
  std::optional<std::uint64_t> flip_at;

  Result<void> begin(const store::ObjectHead& head) override { return inner_.begin(head); }

  Result<void> write(std::span<const std::byte> bytes) override {
    std::vector<std::byte> piece(bytes.begin(), bytes.end());
    const std::uint64_t begin = done_;
    const bool cut = cut_at && *cut_at < begin + piece.size();
    if (cut) piece.resize(*cut_at - begin);
    if (flip_at && *flip_at >= begin && *flip_at < begin + piece.size())
      piece[*flip_at - begin] ^= std::byte{0x10};
    done_ += piece.size();
    traffic_.bytes += piece.size();
    if (!piece.empty()) {
      const auto written = inner_.write(piece);
      if (!written) return written;
    }
    if (cut) return fault(ErrorKind::transient, "cut");
    return {};
  }

 private:
  store::BodySink& inner_;
  Traffic& traffic_;
  std::uint64_t done_ = 0;
};

class FaultyStore final : public store::ObjectStore {
 public:
  FaultyStore(Faults& faults, std::unique_ptr<store::ObjectStore> inner, async::Runtime& runtime)
      : faults_(faults), inner_(std::move(inner)), runtime_(runtime), random_(faults.random_) {}

  async::Task<Result<ListPage>> list(store::ListRequest request) override {
    ++faults_.facts.list_requests;
    begin("list " + shown(request.token));
    if (request.token.empty()) faults_.facts.listings.emplace_back().after = request.start_after;
    const std::size_t begun = faults_.facts.listings.size() - 1;
    const bool faulty = random_.chance(faults_.options_.list_percent);
    const std::uint64_t kind = faulty ? random_.below(12) : 99;
    if (kind < 6) {
      ++faults_.facts.list_failures;
      Error error = draw_error(random_);
      count("list", error);
      if (kind == 0) co_await runtime_.sleep_for(kStall);
      co_return error;
    }
    const std::string token = request.token;
    auto page = co_await inner_->list(std::move(request));
    if (!page) co_return page.error();
    if (faulty) spoil(*page, token, kind);
    serve(*page, token, begun);
    co_return page;
  }

  async::Task<Result<store::ObjectHead>> head(store::HeadRequest request) override {
    ++traffic(request.key).heads;
    begin("head " + shown(request.key));
    const auto error = draw(faults_.options_.other_percent);
    if (error) count(request.key, *error);
    if (error) co_return *error;
    co_return co_await inner_->head(std::move(request));
  }

  async::Task<Result<store::ObjectHead>> get(store::GetRequest request,
                                             store::BodySink& sink) override {
    const std::string key = request.key;
    Traffic& cost = traffic(key);
    ++cost.gets;
    const std::string range = request.range ? std::to_string(request.range->offset()) + "+" +
                                                  std::to_string(request.range->length())
                                            : "all";
    begin("get " + shown(key) + " " + range);
    cost.largest = std::max(cost.largest, request.version.size);
    Meddler meddler(sink, cost);
    const std::uint64_t length = request.range ? request.range->length() : request.version.size;
    const auto error = meddle(key, length, meddler);
    if (error && error->code == "stall") co_await runtime_.sleep_for(kStall);
    if (error) co_return *error;
    auto got = co_await inner_->get(std::move(request), meddler);
    if (got && meddler.cut_at) got = fault(ErrorKind::transient, "cut after the last byte");
    if (!got) faults_.trace_.push_back("  got " + shown(key) + ": " + got.error().message);
    co_return got;
  }

  async::Task<Result<bool>> is_gone(std::string key) override {
    begin("is gone? " + shown(key));
    const auto error = draw(faults_.options_.other_percent);
    if (error) count(key, *error);
    if (error) co_return *error;
    const std::string asked = key;
    auto gone = co_await inner_->is_gone(std::move(key));
    if (gone && *gone) faults_.facts.proved_gone.insert(asked);
    co_return gone;
  }

 private:
  Traffic& traffic(const std::string& key) { return faults_.facts.traffic[key]; }

  void begin(const std::string& what) {
    faults_.trace_.push_back(std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(
                                                runtime_.now().time_since_epoch())
                                                .count()) +
                             " " + what);
    faults_.moment();
    if (random_.chance(faults_.options_.change_percent))
      faults_.trace_.push_back("  meanwhile " + faults_.world_.change());
  }

  void count(const std::string& key, const Error& error) {
    ++faults_.facts.faults;
    if (key != "list") ++traffic(key).faults;
    faults_.trace_.push_back("  fault of " + shown(key) + ": " + error.message);
  }

  std::optional<Error> draw(unsigned percent) {
    if (!random_.chance(percent)) return std::nullopt;
    return draw_error(random_);
  }

  /// The error that comes at once, or what is to become of the body.
  std::optional<Error> meddle(const std::string& key, std::uint64_t length, Meddler& meddler) {
    if (!random_.chance(faults_.options_.get_percent)) return std::nullopt;
    const std::uint64_t kind = random_.below(11);
    std::optional<Error> error;
    if (kind < 3) error = draw_error(random_);
    if (kind == 3) error = fault(ErrorKind::transient, "stall");
    if (error) {
      count(key, *error);
      return error;
    }
    if (kind < 7) {
      meddler.cut_at = random_.below(length + 1);
      count(key, fault(ErrorKind::transient, "cut at " + std::to_string(*meddler.cut_at)));
    } else if (kind == 7) {
      faults_.trace_.push_back("  meanwhile " + faults_.world_.overwrite(key));
    } else if (kind == 8) {
      faults_.trace_.push_back("  meanwhile " + faults_.world_.remove(key));
    } else if (const History* history = faults_.world_.find(key);
               faults_.options_.flips && history != nullptr && history->now().is_provable()) {
      ++traffic(key).lost;
      traffic(key).flipped = true;
      meddler.flip_at = random_.below(length);
      count(key, fault(ErrorKind::corrupt, "flip"));
    }
    return std::nullopt;
  }

  /// A page that a server might send and should not. What breaks its form is an error of the
  /// client's; here are those that look sound.
  void spoil(ListPage& page, const std::string& token, std::uint64_t kind) {
    Facts& facts = faults_.facts;
    ++facts.faults;
    facts.list_lied = true;
    faults_.trace_.push_back("  page spoilt, kind " + std::to_string(kind));
    const auto drop = [this](const ListedObject&) { return random_.chance(30); };
    switch (kind) {
      case 6:
        std::reverse(page.objects.begin(), page.objects.end());
        break;
      case 7:
        if (!page.objects.empty())
          page.objects.push_back(page.objects[random_.below(page.objects.size())]);
        break;
      case 8:
        std::erase_if(page.objects, drop);
        break;
      case 9:
        page.objects.clear();
        break;
      case 10:  // the same page, again and again
        if (page.truncated && !token.empty()) page.next_token = token;
        break;
      default:  // as if that were all
        page.truncated = false;
        page.next_token.clear();
    }
  }

  /// The page belongs to the listing that began with this request, or to any that has its token.
  void serve(const ListPage& page, const std::string& token, std::size_t begun) {
    std::vector<Listing>& all = faults_.facts.listings;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (token.empty() ? i == begun : all[i].token == token) add(all[i], page);
    for (const ListedObject& object : page.objects) {
      Traffic& cost = traffic(std::string(object.key));
      ++cost.listed;
      cost.largest = std::max(cost.largest, object.size);
    }
  }

  static void add(Listing& listing, const ListPage& page) {
    for (const ListedObject& object : page.objects) {
      const std::string key(object.key);
      const bool is_first = listing.keys.empty();
      if (is_first) listing.first = key;
      const bool rises = key > (is_first ? listing.after : listing.last);
      if (!rises && !(is_first && listing.after.empty())) listing.ordered = false;
      listing.keys.insert(key);
      listing.last = key;
    }
    listing.token = page.next_token;
    if (!page.truncated) listing.complete = true;
  }

  Faults& faults_;
  std::unique_ptr<store::ObjectStore> inner_;
  async::Runtime& runtime_;
  Random& random_;
};

std::unique_ptr<store::ObjectStore> Faults::make_store(std::unique_ptr<store::ObjectStore> inner,
                                                       async::Runtime& runtime) {
  return std::make_unique<FaultyStore>(*this, std::move(inner), runtime);
}

void Witness::on_object(const ObjectEvent& event) {
  const std::string key(event.key);
  faults_.facts.told[event.what].insert(key);
  trace_.push_back("  told " + std::string(to_string(event.what)) + " " + shown(key) + " (" +
                   std::string(event.reason) + ")");
  // A folder that takes a file's place tells of that in the middle of its step.
  if (event.what != What::refused && event.what != What::forgotten) faults_.moment();
}

void Witness::on_message(Level level, std::string_view text) {
  if (level >= Level::info) trace_.push_back("  said " + std::string(text));
  faults_.moment();
}

}  // namespace sluice::chaos

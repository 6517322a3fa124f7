#include "mirror/parallel_lister.hpp"

#include "base/text.hpp"
#include "base/time.hpp"
#include "fake_bucket.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace sluice::mirror {
namespace {

using namespace std::string_literals;
using Keys = std::vector<std::string>;

class Unheard final : public transfer::RetryListener {
 public:
  void on_retry(const Error&, unsigned, std::chrono::milliseconds) override {}
};

/// A server of one's own making: how it orders keys, and what it makes of start-after.
class Server : public store::ObjectStore {
 public:
  explicit Server(async::Runtime& runtime) : runtime_(runtime) {}

  Keys keys;  ///< in the server's order
  std::size_t page_keys = 10;
  std::chrono::milliseconds latency{15};
  bool knows_start_after = true;
  /// Whether `key` comes after `start`; by byte order if empty.
  std::function<bool(const std::string& key, const std::string& start)> is_after;
  std::function<void(std::size_t request)> on_request;
  std::function<std::optional<Error>(std::size_t request, const store::ListRequest&)> fault;
  std::size_t requests = 0;
  std::size_t at_once = 0;
  std::size_t most_at_once = 0;

  async::Task<Result<ListPage>> list(store::ListRequest request) override {
    const std::size_t number = ++requests;
    most_at_once = std::max(most_at_once, ++at_once);
    const auto jitter = std::chrono::microseconds(runtime_.random() % 10'000);
    co_await runtime_.sleep_for(latency - std::chrono::milliseconds(5) + jitter);
    --at_once;
    if (on_request) on_request(number);
    if (fault)
      if (auto error = fault(number, request)) co_return *error;
    co_return page_of(request);
  }
  async::Task<Result<store::ObjectHead>> head(store::HeadRequest) override {
    co_return Error(ErrorKind::unsupported, "no");
  }
  async::Task<Result<store::ObjectHead>> get(store::GetRequest, store::BodySink&) override {
    co_return Error(ErrorKind::unsupported, "no");
  }
  async::Task<Result<bool>> is_gone(std::string) override {
    co_return Error(ErrorKind::unsupported, "no");
  }

 private:
  /// The token is the last key that was shown.
  ListPage page_of(const store::ListRequest& request) const {
    ListPage page;
    auto it = keys.begin();
    if (!request.token.empty()) {
      it = is_after ? std::next(std::find(keys.begin(), keys.end(), request.token))
                    : std::upper_bound(keys.begin(), keys.end(), request.token);
    } else if (!request.start_after.empty() && knows_start_after) {
      it = is_after
               ? std::find_if(keys.begin(), keys.end(),
                              [&](const auto& key) { return is_after(key, request.start_after); })
               : std::upper_bound(keys.begin(), keys.end(), request.start_after);
    }
    Keys chosen;
    for (; it != keys.end(); ++it) {
      if (!it->starts_with(request.prefix)) continue;
      if (chosen.size() == page_keys) {
        page.truncated = true;
        page.next_token = chosen.back();
        break;
      }
      chosen.push_back(*it);
    }
    std::size_t bytes = 0;
    for (const auto& key : chosen)
      bytes += key.size();
    page.buffer.reserve(bytes);
    for (const auto& key : chosen) {
      const std::size_t at = page.buffer.size();
      page.buffer.insert(page.buffer.end(), key.begin(), key.end());
      ListedObject object;
      object.key = std::string_view(page.buffer.data() + at, key.size());
      page.objects.push_back(object);
    }
    return page;
  }

  async::Runtime& runtime_;
};

struct Walk {
  Result<bool> result = false;
  std::chrono::milliseconds took{};
  Keys keys;
};

async::Task<bool> take_page(async::Runtime& runtime, Keys& keys, std::size_t stop_after,
                            ListPage& page) {
  for (const auto& object : page.objects)
    keys.emplace_back(object.key);
  const auto pause = std::chrono::microseconds(runtime.random() % 1000);
  co_await runtime.sleep_for(pause);
  co_return keys.size() < stop_after;
}

async::Task<void> list_them(ListContext& context, const ParallelOptions& options,
                            const PageSink& sink, Result<bool>& result) {
  result = co_await list_in_ranges(context, options, sink);
}

Walk list(async::Runtime& runtime, Server& server, const ParallelOptions& options,
          std::string prefix = "", std::size_t stop_after = ~std::size_t{0}) {
  Walk listed;
  Unheard listener;
  transfer::RetryPolicy retry;
  retry.max_attempts = 3;
  ListContext context{runtime, server, retry, listener, std::move(prefix), nullptr};
  const PageSink sink = [&](ListPage& page) {
    return take_page(runtime, listed.keys, stop_after, page);
  };
  const SteadyTime begun = runtime.now();
  runtime.run([&]() { return list_them(context, options, sink, listed.result); });
  listed.took = std::chrono::duration_cast<std::chrono::milliseconds>(runtime.now() - begun);
  return listed;
}

ParallelOptions parallel(unsigned concurrency = 8) {
  ParallelOptions options;
  options.concurrency = concurrency;
  return options;
}

std::unique_ptr<async::Runtime> runtime_of(std::uint64_t seed) {
  return async::make_deterministic_runtime({.seed = seed});
}

Keys numbered(int count) {
  Keys keys;
  for (int n = 0; n < count; ++n) {
    std::string digits = std::to_string(n);
    keys.push_back("k" + std::string(8 - digits.size(), '0') + digits);
  }
  return keys;
}

TEST(ParallelLister, ListsAtOnceWhatTheSerialPathLists) {
  auto runtime = runtime_of(1);
  Server server(*runtime);
  server.keys = numbered(5000);
  const Walk listed = list(*runtime, server, parallel(8));
  ASSERT_TRUE(listed.result);
  EXPECT_TRUE(*listed.result);
  EXPECT_EQ(listed.keys, server.keys);
  EXPECT_EQ(server.most_at_once, 8u);
  EXPECT_LE(server.requests, 500u * 115 / 100 + 50);
}

TEST(ParallelLister, ASmallBucketCostsNoRequestMore) {
  for (int count = 0; count <= 20; ++count) {
    auto runtime = runtime_of(1);
    Server server(*runtime);
    server.keys = numbered(count);
    const Walk listed = list(*runtime, server, parallel(16));
    ASSERT_TRUE(listed.result && *listed.result);
    EXPECT_EQ(listed.keys, server.keys);
    EXPECT_EQ(server.requests, count <= 10 ? 1u : 2u) << count;
  }
}

TEST(ParallelLister, AConcurrencyOfOneIsTheSerialPath) {
  auto runtime = runtime_of(1);
  Server server(*runtime);
  server.keys = numbered(500);
  const Walk listed = list(*runtime, server, parallel(1));
  ASSERT_TRUE(listed.result && *listed.result);
  EXPECT_EQ(server.requests, 50u);
  EXPECT_EQ(server.most_at_once, 1u);
}

/// The four key sets of bench/listing, a thousand pages of each. Time is virtual.
std::vector<Keys> key_sets() {
  constexpr unsigned kCount = 50'000;
  std::vector<Keys> sets(4);
  std::mt19937_64 random(1);
  char text[64];
  for (unsigned n = 0; n < kCount; ++n) {
    const std::uint64_t place = (~std::uint64_t{0} / kCount) * n + random() % kCount;
    std::snprintf(text, sizeof text, "%02x/%016llx.bin", static_cast<unsigned>(place >> 56),
                  static_cast<unsigned long long>(place));
    sets[0].emplace_back(text);
    const std::string date = dates::format_iso_ms(1'704'067'200'000 + std::int64_t{n} * 1'261'440);
    sets[1].push_back("logs/" + date.substr(0, 4) + "/" + date.substr(5, 2) + "/" +
                      date.substr(8, 2) + "/" + date.substr(11, 2) + "/" + date.substr(14, 2) +
                      date.substr(17, 2) + "-" + std::to_string(1'000'000 + n) + ".json");
    std::snprintf(text, sizeof text, "item-%012u", n);
    sets[2].emplace_back(text);
    std::string name = "資料/";
    for (const unsigned digit : {n * 20'902u / kCount, static_cast<unsigned>(random() % 20'902)}) {
      const unsigned point = 0x4E00 + digit;
      name += static_cast<char>(0xE0 | (point >> 12));
      name += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
      name += static_cast<char>(0x80 | (point & 0x3F));
    }
    sets[3].push_back(name + std::to_string(n));
  }
  for (Keys& keys : sets)
    std::sort(keys.begin(), keys.end());
  return sets;
}

async::Task<std::optional<std::string>> key_in(const Keys& keys, std::string after,
                                               std::uint64_t further) {
  const auto it = std::upper_bound(keys.begin(), keys.end(), after);
  std::optional<std::string> key;
  if (static_cast<std::uint64_t>(keys.end() - it) >= further)
    key = *(it + static_cast<std::ptrdiff_t>(further) - 1);
  co_return key;
}

TEST(ParallelLister, SixteenAtOnceAreTenTimesAsFast) {
  const char* const names[] = {"hexadecimal", "dates", "counter", "chinese"};
  const std::vector<Keys> sets = key_sets();
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const Keys& all = sets[i];
    const auto knows_all = [&all](std::string after, std::uint64_t keys) {
      return key_in(all, std::move(after), keys);
    };
    std::chrono::milliseconds serial{};
    for (const unsigned concurrency : {1u, 16u, 17u}) {
      SCOPED_TRACE(names[i] + (", " + std::to_string(concurrency)) + " at once");
      auto runtime = runtime_of(7);
      Server server(*runtime);
      server.keys = all;
      server.page_keys = 50;
      server.latency = std::chrono::milliseconds(30);
      ParallelOptions options = parallel(concurrency);
      if (concurrency == 17) options.landmark = knows_all;
      const Walk listed = list(*runtime, server, options);
      ASSERT_TRUE(listed.result && *listed.result);
      ASSERT_EQ(listed.keys, all);
      if (concurrency == 1) serial = listed.took;
      if (concurrency == 1) continue;
      EXPECT_GE(serial, 10 * listed.took) << serial.count() << " and " << listed.took.count();
      EXPECT_LE(server.requests, 1000u * 115 / 100 + 50);
      RecordProperty(names[i] + std::to_string(concurrency),
                     std::to_string(serial.count()) + "/" + std::to_string(listed.took.count()));
    }
  }
}

/// Key sets that are hard to cut.
Keys draw_keys(std::mt19937_64& random) {
  std::set<std::string> keys;
  const std::vector<std::string> pieces = {"a",  "a/", "a/b", "b",    "\x7f", "\xc2\x80",    "字",
                                           "文", "0",  "9",   "😀",    "\x01", "-",           "z",
                                           "Z",  "é",  "/",   "long", " ",    "\xef\xbf\xbd"};
  const std::size_t few = random() % 4 + 1;
  const std::string common(random() % 3 * 60, 'p');
  const std::size_t count = random() % 1200;
  const auto kind = random() % 4;
  for (std::size_t n = 0; n < count; ++n) {
    std::string key = common;
    if (kind == 0) {
      key += std::to_string(100'000 + random() % 100'000);
    } else if (kind == 1) {
      for (std::size_t length = random() % 6 + 1; length > 0; --length)
        key += pieces[random() % pieces.size()];
    } else if (kind == 2) {
      for (std::size_t length = random() % 12 + 1; length > 0; --length)
        key += pieces[random() % few];
    } else {
      key += n < count / 2 ? "a/" + std::to_string(n)
                           : "z/" + text::hex(std::as_bytes(std::span(&n, 1)));
    }
    keys.insert(key);
  }
  return Keys(keys.begin(), keys.end());
}

TEST(ParallelLister, WhateverTheKeysTheListingIsTheSerialOne) {
  const std::uint64_t first = std::random_device{}();
  for (std::uint64_t seed = first; seed < first + 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    auto runtime = runtime_of(seed);
    Server server(*runtime);
    server.keys = draw_keys(random);
    server.page_keys = random() % 12 + 1;
    const std::uint64_t shaky = random() % 3;
    server.fault = [&](std::size_t, const store::ListRequest&) {
      std::optional<Error> error;
      if (shaky == 0 && runtime->random() % 10 == 0) error = Error(ErrorKind::transient, "reset");
      if (shaky == 1 && runtime->random() % 10 == 0) error = Error(ErrorKind::throttled, "slow");
      return error;
    };
    ParallelOptions options = parallel(static_cast<unsigned>(random() % 20 + 2));
    options.bytes_ahead = random() % 3 == 0 ? 2000 : 1u << 20;
    // What an earlier pass knew is of some use at best.
    Keys known;
    for (const std::string& key : server.keys)
      if (random() % 4 != 0) known.push_back(key + (random() % 8 == 0 ? "x" : ""));
    std::sort(known.begin(), known.end());
    const auto landmark = [](Keys all, std::string after,
                             std::uint64_t keys) -> async::Task<std::optional<std::string>> {
      const auto it = std::upper_bound(all.begin(), all.end(), after);
      std::optional<std::string> key;
      if (static_cast<std::uint64_t>(all.end() - it) >= keys)
        key = *(it + static_cast<std::ptrdiff_t>(keys) - 1);
      co_return key;
    };
    if (random() % 2 == 0)
      options.landmark = [known, landmark](std::string after, std::uint64_t keys) {
        return landmark(known, std::move(after), keys);
      };
    const Walk listed = list(*runtime, server, options);
    if (!listed.result) {
      ASSERT_EQ(listed.result.error().kind,
                shaky == 0 ? ErrorKind::transient : ErrorKind::throttled);
      ASSERT_LE(listed.keys.size(), server.keys.size());
      ASSERT_TRUE(std::equal(listed.keys.begin(), listed.keys.end(), server.keys.begin()))
          << "what came before the failure is the beginning";
      continue;
    }
    ASSERT_TRUE(*listed.result);
    ASSERT_EQ(listed.keys, server.keys);
    if (shaky == 2) {
      const std::size_t pages = server.keys.size() / server.page_keys + 1;
      ASSERT_LE(server.requests, pages * 115 / 100 + 50);
    }
  }
}

/// Keys come and go while they are listed: those that stay must all be there, once, in order.
TEST(ParallelLister, WhatStaysIsListedWhileOthersComeAndGo) {
  const std::uint64_t first = std::random_device{}();
  for (std::uint64_t seed = first; seed < first + 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    auto runtime = runtime_of(seed);
    Server server(*runtime);
    const Keys staying = numbered(1000);
    server.keys = staying;
    std::set<std::string> guests;
    server.on_request = [&](std::size_t) {
      for (std::size_t n = random() % 8; n > 0; --n) {
        const std::string guest = staying[random() % staying.size()] + "guest";
        const auto place = std::lower_bound(server.keys.begin(), server.keys.end(), guest);
        if (place != server.keys.end() && *place == guest)
          server.keys.erase(place);
        else
          server.keys.insert(place, guest);
      }
    };
    const Walk listed = list(*runtime, server, parallel(8));
    if (!listed.result) {  // the end moved while two looked at it
      ASSERT_EQ(listed.result.error().kind, ErrorKind::invalid_answer);
      continue;
    }
    ASSERT_TRUE(std::is_sorted(listed.keys.begin(), listed.keys.end()));
    ASSERT_EQ(std::adjacent_find(listed.keys.begin(), listed.keys.end()), listed.keys.end());
    Keys missing;
    std::set_difference(staying.begin(), staying.end(), listed.keys.begin(), listed.keys.end(),
                        std::back_inserter(missing));
    ASSERT_EQ(missing, Keys());
  }
}

bool utf16_less(const std::string& a, const std::string& b) {
  // Only keys of the one byte before a character of three or four bytes are compared.
  const auto unit = [](const std::string& key) -> unsigned {
    const auto lead = static_cast<unsigned char>(key.size() > 1 ? key[1] : '\0');
    return lead >= 0xF0 ? 0xD800u : lead >= 0xEE ? 0xE000u : lead;
  };
  if (a.substr(0, 1) != b.substr(0, 1)) return a < b;
  return unit(a) != unit(b) ? unit(a) < unit(b) : a < b;
}

/// Servers that are not what they were taken for: nothing is lost, and nothing comes twice.
TEST(ParallelLister, OtherOrdersAreListedAlone) {
  const auto utf16 = [](Keys& keys) { std::sort(keys.begin(), keys.end(), utf16_less); };
  const auto hashed = [](Keys& keys) {
    std::sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) {
      return std::hash<std::string>()(a) < std::hash<std::string>()(b);
    });
  };
  const auto folded = [](Keys& keys) {
    std::sort(keys.begin(), keys.end(),
              [](const auto& a, const auto& b) { return text::lower(a) < text::lower(b); });
  };
  struct Case {
    const char* name;
    std::function<void(Keys&)> order;
    bool knows_start_after = true;
  };
  const Case cases[] = {
      {"UTF-16", utf16},
      {"hashes", hashed},
      {"upper case is lower case", folded},
      {"start-after is ignored", {}, false},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      auto runtime = runtime_of(seed);
      Server server(*runtime);
      for (int n = 0; n < 400; ++n) {
        const std::string letter(1, static_cast<char>((n % 2 == 0 ? 'a' : 'A') + n / 16));
        for (const char* end : {"😀", "\xef\xbc\xa1", "x"})
          server.keys.push_back(letter + end + std::to_string(n));
      }
      std::sort(server.keys.begin(), server.keys.end());
      const auto order = one.order;
      if (order) {
        order(server.keys);
        // As it sorts, so it compares: where start-after itself would stand.
        server.is_after = [order](const std::string& key, const std::string& start) {
          Keys two = {key, start};
          order(two);
          return key != start && two.front() == start;
        };
      }
      server.knows_start_after = one.knows_start_after;
      const Walk listed = list(*runtime, server, parallel(8));
      ASSERT_TRUE(listed.result && *listed.result);
      ASSERT_EQ(listed.keys, server.keys);
    }
  }
}

TEST(ParallelLister, AServerThatRefusesStartAfterIsListedAlone) {
  auto runtime = runtime_of(1);
  Server server(*runtime);
  server.keys = numbered(1000);
  server.fault = [](std::size_t, const store::ListRequest& request) {
    std::optional<Error> error;
    if (!request.start_after.empty()) error = Error(ErrorKind::unsupported, "what is start-after?");
    return error;
  };
  const Walk listed = list(*runtime, server, parallel(8));
  ASSERT_TRUE(listed.result && *listed.result);
  EXPECT_EQ(listed.keys, server.keys);
  EXPECT_LE(server.requests, 100u + 8u);
}

TEST(ParallelLister, ARangeThatFailsFailsTheListing) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    auto runtime = runtime_of(seed);
    Server server(*runtime);
    server.keys = numbered(3000);
    const std::string bad = server.keys[1800 + seed];
    server.fault = [&bad](std::size_t, const store::ListRequest& request) {
      std::optional<Error> error;
      const std::string& from = std::max(request.token, request.start_after);
      if (from > bad) error = Error(ErrorKind::denied, "not these");
      return error;
    };
    const Walk listed = list(*runtime, server, parallel(8));
    ASSERT_FALSE(listed.result);
    EXPECT_EQ(listed.result.error().kind, ErrorKind::denied);
    EXPECT_GE(listed.keys.size(), 1500u) << "what came before it is handed on";
    ASSERT_TRUE(std::equal(listed.keys.begin(), listed.keys.end(), server.keys.begin()));
  }
}

TEST(ParallelLister, TwoPagesThatContradictEachOtherFailTheListing) {
  auto runtime = runtime_of(1);
  Server server(*runtime);
  server.keys = numbered(3000);
  // For a walk from the beginning the bucket ends before what others have shown already.
  server.on_request = [&](std::size_t number) {
    if (number == 40) server.keys.resize(50);
  };
  const Walk listed = list(*runtime, server, parallel(8));
  ASSERT_FALSE(listed.result);
  EXPECT_EQ(listed.result.error().kind, ErrorKind::invalid_answer);
}

TEST(ParallelLister, WhoHasSeenEnoughStopsIt) {
  auto runtime = runtime_of(1);
  Server server(*runtime);
  server.keys = numbered(3000);
  const Walk listed = list(*runtime, server, parallel(8), "", 300);
  ASSERT_TRUE(listed.result);
  EXPECT_FALSE(*listed.result);
  EXPECT_LT(server.requests, 200u);
}

TEST(ParallelLister, OnlyThePrefixIsListed) {
  auto runtime = runtime_of(1);
  Server server(*runtime);
  for (const char* folder : {"a/", "b/", "c/"})
    for (const std::string& key : numbered(1000))
      server.keys.push_back(folder + key);
  const Walk listed = list(*runtime, server, parallel(8), "b/");
  ASSERT_TRUE(listed.result && *listed.result);
  EXPECT_EQ(listed.keys, Keys(server.keys.begin() + 1000, server.keys.begin() + 2000));
  EXPECT_LE(server.requests, 100u * 115 / 100 + 50);
}

/// A consumer that is slow must not make the lister hold everything.
TEST(ParallelLister, PagesAheadAreBounded) {
  auto runtime = runtime_of(1);
  Server server(*runtime);
  server.keys = numbered(5000);
  ParallelOptions options = parallel(16);
  options.bytes_ahead = 20'000;  // a page holds about 1,100
  std::size_t taken = 0;
  std::size_t most = 0;
  Unheard listener;
  const transfer::RetryPolicy retry;
  ListContext context{*runtime, server, retry, listener, "", nullptr};
  const auto slow = [](async::Runtime& r) -> async::Task<bool> {
    co_await r.sleep_for(std::chrono::milliseconds(100));
    co_return true;
  };
  const PageSink sink = [&](ListPage& page) {
    taken += page.objects.size();
    most = std::max(most, server.requests * server.page_keys -
                              std::min(taken, server.requests * server.page_keys));
    return slow(*runtime);
  };
  Result<bool> result = false;
  runtime->run([&]() { return list_them(context, options, sink, result); });
  ASSERT_TRUE(result && *result);
  EXPECT_EQ(taken, 5000u);
  EXPECT_LE(most, 1000u);
}

}  // namespace
}  // namespace sluice::mirror

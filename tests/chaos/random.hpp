// All draws of a seed come from here, in one order: that is what makes it reproduce.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>

namespace sluice::chaos {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t bits() { return engine_(); }
  /// 0 … limit - 1; 0 if there is no such number.
  std::uint64_t below(std::uint64_t limit) { return limit == 0 ? 0 : engine_() % limit; }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + below(most - least + 1);
  }
  bool chance(unsigned percent) { return below(100) < percent; }

  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }
  /// An element of anything that has at least one.
  template <class Container>
  const auto& pick(const Container& from) {
    auto at = from.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(below(from.size())));
    return *at;
  }

  /// Each byte from a seed of its own: contents are told apart even where they are short.
  std::string bytes(std::uint64_t size) {
    std::string out(size, '\0');
    std::mt19937 bytes(static_cast<std::uint32_t>(bits()));
    for (char& c : out)
      c = static_cast<char>(bytes());
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace sluice::chaos

#pragma once

#include "flags.hpp"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

/// How the values of flags are read: each sets its target, or says what is wrong with what was
/// given and what to write instead. For the table in flags.cpp.
namespace sluice::cli {

/// "--transfers: "x" is no …": `rule` says what is wrong.
Error refusal(const Given& given, std::string_view rule);

Result<void> set_switch(bool& target, const Given& given);
Result<void> set_text(std::string& target, const Given& given);

struct Count {
  unsigned least;
  unsigned most;
  std::string_view sample;
  bool may_be_automatic = false;  ///< `auto` stands for 0
};
Result<void> set_count(unsigned& target, const Given& given, const Count& range);

struct Size {
  std::uint64_t least;
  std::uint64_t most;
  std::string_view sample;
};
Result<void> set_size(std::uint64_t& target, const Given& given, const Size& range);

template <class E>
using Choices = std::initializer_list<std::pair<std::string_view, E>>;

template <class E>
Result<void> set_choice(E& target, const Given& given, Choices<E> choices) {
  std::string names;
  for (const auto& [name, value] : choices) {
    if (given.value == name) return target = value, Result<void>();
    names += names.empty() ? "" : ", ";
    names += name;
  }
  return refusal(given, "is none of: " + names);
}

Result<void> set_max_delete(Settings& settings, const Given& given);
Result<void> add_filter(Settings& settings, FilterRule::Kind kind, const Given& given);
Result<void> set_owner(Settings& settings, const Given& given);
/// Its value may hold a password, so no message repeats it.
Result<void> set_proxy(Settings& settings, const Given& given);
Result<void> set_duration(std::chrono::milliseconds& target, const Given& given,
                          std::string_view samples);
Result<void> set_jitter(Settings& settings, const Given& given);
Result<void> set_listen(Settings& settings, const Given& given);
Result<void> set_journal(Settings& settings, const Given& given);
Result<void> set_since(Settings& settings, const Given& given);
Result<void> set_once(Settings& settings, const Given& given);
Result<void> set_time_limit(Settings& settings, const Given& given);
Result<void> set_bandwidth(Settings& settings, const Given& given);
Result<void> set_verbosity(Settings& settings, const Given& given,
                           OutputSettings::Verbosity verbosity);
Result<void> set_compare(Settings& settings, const Given& given, MirrorOptions::Compare compare);
Result<void> set_prices(Settings& settings, const Given& given);
Result<void> set_log_level(Settings& settings, const Given& given);

}  // namespace sluice::cli

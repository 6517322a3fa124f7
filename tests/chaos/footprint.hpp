// What a process takes of the machine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace sluice::chaos {

struct Footprint {
  std::uint64_t resident_kib = 0;
  std::size_t descriptors = 0;
};

inline Footprint footprint_of(int pid) {
  Footprint out;
  const std::string proc = "/proc/" + std::to_string(pid);
  std::ifstream status(proc + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) out.resident_kib = std::stoull(line.substr(6));
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(proc + "/fd"))
    ++out.descriptors;
  return out;
}

/// The least and the most that was seen.
struct FootprintRange {
  Footprint least{~0ull, ~std::size_t{0}};
  Footprint most;

  void add(const Footprint& now) {
    least.resident_kib = std::min(least.resident_kib, now.resident_kib);
    most.resident_kib = std::max(most.resident_kib, now.resident_kib);
    least.descriptors = std::min(least.descriptors, now.descriptors);
    most.descriptors = std::max(most.descriptors, now.descriptors);
  }
};

/// AddressSanitizer keeps what was freed for a while: that only grows.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kKeepsWhatWasFreed = true;
#else
inline constexpr bool kKeepsWhatWasFreed = false;
#endif

}  // namespace sluice::chaos

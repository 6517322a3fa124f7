// How a chaos program runs: its numbers from the environment, its files in memory.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <unistd.h>

namespace sluice::chaos {

inline std::uint64_t number_of(const char* variable, std::uint64_t usual) {
  const char* value = std::getenv(variable);
  return value != nullptr ? std::stoull(value) : usual;
}

/// In memory: what a seed does is the same there, and thousands of them wear no disk out.
inline int run_in_memory(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (std::getenv("TMPDIR") == nullptr && ::access("/dev/shm", W_OK) == 0)
    ::setenv("TMPDIR", "/dev/shm", 1);
  return RUN_ALL_TESTS();
}

}  // namespace sluice::chaos

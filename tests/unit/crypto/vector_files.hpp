#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>

namespace sluice::tests {

/// The whole file as bytes; throws if it cannot be read, so that a vector test cannot pass empty.
inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Vectors that are part of the project: $SLUICE_VECTORS, else tests/data ($SLUICE_TEST_DATA).
inline std::filesystem::path vectors() {
  for (const char* name : {"SLUICE_VECTORS", "SLUICE_TEST_DATA"})
    if (const char* folder = std::getenv(name); folder != nullptr && *folder != '\0') return folder;
  throw std::runtime_error("set SLUICE_TEST_DATA to tests/data (meson test does)");
}

/// Vectors of other projects, which are not committed: nullopt without $SLUICE_VECTORS.
inline std::optional<std::filesystem::path> foreign_vectors(const char* name) {
  const char* folder = std::getenv("SLUICE_VECTORS");
  if (folder == nullptr || *folder == '\0') return std::nullopt;
  std::filesystem::path path = std::filesystem::path(folder) / name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

}  // namespace sluice::tests

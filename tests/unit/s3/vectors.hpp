#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::s3 {

/// A file of the test vectors: `$SLUICE_VECTORS` where it is set, else the committed ones.
inline std::string vectors_file(const std::string& name) {
  const char* folder = std::getenv("SLUICE_VECTORS");
  if (folder == nullptr || *folder == '\0') folder = std::getenv("SLUICE_TEST_DATA");
  return std::string(folder == nullptr ? "tests/data" : folder) + "/" + name;
}

/// A file that only `$SLUICE_VECTORS` has.
inline std::optional<std::string> uncommitted_file(const std::string& name) {
  const char* folder = std::getenv("SLUICE_VECTORS");
  if (folder == nullptr || *folder == '\0') return std::nullopt;
  std::string path = std::string(folder) + "/" + name;
  if (!std::ifstream(path)) return std::nullopt;
  return path;
}

inline std::vector<char> read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return std::vector<char>(std::istreambuf_iterator<char>(in), {});
}

}  // namespace sluice::s3

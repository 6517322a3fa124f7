#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace sluice::http {

/// A test vector that is not committed: below $SLUICE_VECTORS, or nullopt.
inline std::optional<std::string> vector_file(const std::string& relative) {
  const char* folder = std::getenv("SLUICE_VECTORS");
  if (folder == nullptr) return std::nullopt;
  const std::filesystem::path path = std::filesystem::path(folder) / relative;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path.string();
}

}  // namespace sluice::http

#include "tune/scratch.hpp"

#include "base/text.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace sluice::tune {

namespace {

/// Follows no symlink.
Result<void> remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error)
    return local_error("cannot remove the scratch folder " + text::escaped(path), error.value());
  return {};
}

}  // namespace

Result<Scratch> Scratch::make(const std::string& parent) {
  std::string path = parent + "/sluice-bench-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr)
    return local_error(
        "cannot make a scratch folder in " + text::escaped(parent) + " (see --scratch)", errno);
  return Scratch(std::move(path));
}

Scratch::Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}

Scratch::~Scratch() {
  static_cast<void>(remove_all());
}

Result<void> Scratch::remove(const std::string& name) const {
  return remove_tree(path_ + '/' + name);
}

Result<void> Scratch::remove_all() {
  if (path_.empty()) return {};
  return remove_tree(std::exchange(path_, {}));
}

}  // namespace sluice::tune

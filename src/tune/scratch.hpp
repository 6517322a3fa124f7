#pragma once

#include "base/result.hpp"

#include <string>

namespace sluice::tune {

/// A folder of its own for what is fetched only to be thrown away; it and all in it go with this.
class Scratch {
 public:
  /// Makes `sluice-bench-XXXXXX` in `parent`, which must be there. Of kind `local` if it cannot.
  static Result<Scratch> make(const std::string& parent);
  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();

  const std::string& path() const noexcept { return path_; }
  /// Removes one folder in it, with all that it holds.
  Result<void> remove(const std::string& name) const;
  /// Removes everything now, to be able to tell if that fails.
  Result<void> remove_all();

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace sluice::tune

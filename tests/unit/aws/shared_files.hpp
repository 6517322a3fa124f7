#pragma once

#include "aws/config.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <sys/stat.h>

namespace sluice::aws::tests {

/// A home directory of its own with `.aws` in it, and the environment that points there.
class SharedFiles : public ::testing::Test {
 protected:
  SharedFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-aws-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    home_ = name;
    std::filesystem::create_directory(home_ / ".aws");
    variables_["HOME"] = home_.string();
  }
  ~SharedFiles() override {
    std::error_code ignored;
    std::filesystem::remove_all(home_, ignored);
  }

  void write(const std::filesystem::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
    if (::chmod(path.c_str(), 0600) != 0) throw std::runtime_error("chmod failed");
  }
  void write_config(const std::string& content) { write(config(), content); }
  void write_credentials(const std::string& content) { write(credentials(), content); }

  std::filesystem::path config() const { return home_ / ".aws" / "config"; }
  std::filesystem::path credentials() const { return home_ / ".aws" / "credentials"; }

  /// Reads `variables_` at the time of the call.
  Environment environment() {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables_.find(std::string(name));
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    };
  }

  Result<SharedConfig> load(std::string profile = {}) {
    return load_shared_config(environment(), std::move(profile));
  }

  std::filesystem::path home_;
  std::map<std::string, std::string> variables_;
};

}  // namespace sluice::aws::tests

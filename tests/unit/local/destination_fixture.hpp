#pragma once

#include "local/destination.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::local {

namespace fs = std::filesystem;

/// A directory of its own for each test, gone afterwards.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (fs::temp_directory_path() / "sluice-local-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

inline RelativePath key(std::string_view text) {
  return RelativePath::from_key(text, "").value();
}

inline std::string slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void spill(const fs::path& file, std::string_view content) {
  std::ofstream out(file, std::ios::binary);
  out << content;
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// Every test runs with openat2 and with the walk.
class DestinationTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { reopen(); }

  void reopen() {
    destination_.reset();
    DestinationOptions options;
    options.force_walk = GetParam();
    auto opened = Destination::open(root().string(), options);
    ASSERT_TRUE(opened) << opened.error().message;
    destination_ = std::move(*opened);
  }

  fs::path root() const { return temporary_.path() / "mirror"; }
  fs::path outside() const { return temporary_.path() / "outside"; }
  Destination& destination() { return *destination_; }

  StagedFile stage(std::string_view content, std::int64_t modified_ms = 1'700'000'000'123) {
    StagedFile staged = destination_->create_staged(0, content.size()).value();
    EXPECT_TRUE(staged.write_at(0, bytes_of(content)));
    EXPECT_TRUE(staged.finish(modified_ms));
    return staged;
  }

  Result<void> put(std::string_view name, std::string_view content,
                   std::string* blocking = nullptr) {
    StagedFile staged = stage(content);
    return destination_->publish(staged, key(name), blocking);
  }

  LocalFile stat(std::string_view name) { return destination_->stat_file(key(name)).value(); }

  /// How many files and folders lie in `.sluice/staging` below the shards.
  std::size_t staged_count() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root() / ".sluice/staging"))
      if (!entry.is_directory()) ++count;
    return count;
  }

  TemporaryDirectory temporary_;
  std::unique_ptr<Destination> destination_;
};

inline std::string resolver_name(const testing::TestParamInfo<bool>& info) {
  return info.param ? "walk" : "openat2";
}

/// The code of a refusal, or what else came out.
template <class T>
std::string refusal(const Result<T>& result) {
  if (result) return "no error";
  if (result.error().kind != ErrorKind::refused_key)
    return std::string(to_string(result.error().kind)) + ": " + result.error().message;
  return result.error().code;
}

}  // namespace sluice::local

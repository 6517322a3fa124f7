#include "base/secret_file.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice {
namespace {

class SecretFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "sluice-secret-\n-XXXXXX";
    const int fd = ::mkstemp(name.data());
    ASSERT_GE(fd, 0);
    ::close(fd);
    path_ = name;
  }
  void TearDown() override { ::unlink(path_.c_str()); }

  std::string path_;
};

TEST_F(SecretFile, OnlyItsOwnerShouldReadIt) {
  for (const mode_t mode : {0600U, 0400U, 0611U, 0622U}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    EXPECT_EQ(warning_if_readable_by_others(path_), std::nullopt) << std::oct << mode;
  }
  for (const mode_t mode : {0640U, 0604U, 0444U}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    const auto warning = warning_if_readable_by_others(path_);
    ASSERT_TRUE(warning) << std::oct << mode;
    EXPECT_NE(warning->find("chmod 600"), std::string::npos);
    EXPECT_NE(warning->find("sluice-secret-\\x0a-"), std::string::npos) << *warning;
  }
}

TEST_F(SecretFile, WhatIsNoFileIsSilent) {
  EXPECT_EQ(warning_if_readable_by_others(path_ + ".missing"), std::nullopt);
  EXPECT_EQ(warning_if_readable_by_others("/dev/null"), std::nullopt);
  EXPECT_EQ(warning_if_readable_by_others("/"), std::nullopt);
}

}  // namespace
}  // namespace sluice

// The program as people run it: arguments, environment and files in; files, output and exit status
// out. The server is the origin in the test's process.
#pragma once

#include "origin/faults.hpp"
#include "origin/memory_bucket.hpp"
#include "origin/server.hpp"
#include "program.hpp"
#include "temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>

namespace sluice::testing {

using namespace std::chrono_literals;
using fake::read_file;
using fake::TemporaryDirectory;
using fake::tree_of;
using fake::write_file;
using origin::MemoryBucket;
using origin::Operation;
using origin::Server;
using origin::ServerOptions;
using Words = std::vector<std::string>;
namespace faults = origin::faults;

inline constexpr const char* kAccessKey = "AKIDEXAMPLE";
inline constexpr const char* kSecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

inline std::string binary() {
  const char* path = std::getenv("SLUICE_BINARY");
  return path != nullptr ? path : "";
}

inline ServerOptions with_credentials() {
  ServerOptions options;
  options.credentials = {{kAccessKey, kSecretKey}};
  return options;
}

inline origin::Rule rule(Operation operation, origin::Action action, std::string key = "*") {
  origin::Rule out;
  out.match.operation = operation;
  out.match.key = std::move(key);
  out.actions.push_back(std::move(action));
  return out;
}

/// What a finished run left.
struct Ran {
  int status = -1;
  std::string out;
  std::string err;
};

class Cli : public ::testing::Test {
 protected:
  void SetUp() override {
    if (binary().empty()) GTEST_SKIP() << "SLUICE_BINARY names no program";
    environment_ = {{"PATH", "/usr/bin:/bin"},
                    {"HOME", home_.path()},
                    {"AWS_ACCESS_KEY_ID", kAccessKey},
                    {"AWS_SECRET_ACCESS_KEY", kSecretKey},
                    {"AWS_EC2_METADATA_DISABLED", "true"}};
    serve(with_credentials());
  }

  void serve(ServerOptions options) {
    server_ = std::make_unique<Server>(std::move(options));
    server_->add_bucket("photos", bucket_);
    server_->start();
    environment_["AWS_ENDPOINT_URL"] = server_->url();
  }

  ProgramOptions options(Words words) const {
    ProgramOptions out;
    out.path = binary();
    out.arguments = std::move(words);
    out.environment = environment_;
    return out;
  }
  Ran run(Words words) {
    Program program(options(std::move(words)));
    const auto status = program.wait(120s);  // sanitizers on a loaded machine take their time
    EXPECT_TRUE(status) << "still running; " << program.out() << program.err();
    return {status.value_or(-1), program.out(), program.err()};
  }
  Ran sync(Words flags = {}) {
    Words words = {"sync", "s3://photos", dir()};
    words.insert(words.end(), flags.begin(), flags.end());
    return run(std::move(words));
  }
  std::string dir() const { return work_ / "mirror"; }

  std::uint64_t requests(Operation operation) const { return server_->counts().of(operation); }

  TemporaryDirectory home_;
  TemporaryDirectory work_;
  std::map<std::string, std::string> environment_;
  std::shared_ptr<MemoryBucket> bucket_ = std::make_shared<MemoryBucket>();
  std::unique_ptr<Server> server_;
};

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

inline bool has_line(const std::string& text, const std::string& pattern) {
  return std::regex_search(text, std::regex("(^|\n)" + pattern + "\n"));
}

/// Expects a status and a piece of standard error, and shows everything if either is missing.
inline void expect(const Ran& ran, int status, std::string_view complaint) {
  EXPECT_EQ(ran.status, status) << "out: " << ran.out << "err: " << ran.err;
  EXPECT_TRUE(has(ran.err, complaint)) << "lacks: " << complaint << "\nerr: " << ran.err;
}

}  // namespace sluice::testing

#pragma once

#include "record/record.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::record {

namespace fs = std::filesystem;

class RecordTest : public testing::Test {
 protected:
  RecordTest() {
    std::string pattern = (fs::temp_directory_path() / "sluice-record-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
  }
  ~RecordTest() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  std::string path() const { return (folder_ / "record.db").string(); }
  static Source source() { return {"s3.example.com", "bucket", "prefix/"}; }

  Result<std::unique_ptr<Record>> try_open(const Source& wanted = source(),
                                           Adopt adopt = Adopt::no) {
    return Record::open(path(), wanted, adopt);
  }
  std::unique_ptr<Record> open() { return try_open().value(); }

  static ObjectRow row(std::string_view key, std::uint64_t size = 1) {
    ObjectRow out;
    out.key = key;
    out.version = {"etag-" + std::to_string(size), size, 1'700'000'000'000};
    out.mtime_ns = 1'700'000'000'000'000'000;
    out.inode = 42;
    out.proof = Proof::md5;
    out.digest = {DigestKind::md5, "0123456789abcdef"};
    return out;
  }

  static Batch batch_of(std::vector<ObjectRow> rows) {
    Batch batch;
    batch.upserts = std::move(rows);
    return batch;
  }

  static std::vector<std::string> keys(const std::vector<ObjectRow>& rows) {
    std::vector<std::string> out;
    for (const auto& one : rows)
      out.push_back(one.key);
    return out;
  }

  std::vector<std::string> all_keys(Record& record) {
    return keys(record.rows_after("", 1'000'000).value());
  }

  fs::path folder_;
};

}  // namespace sluice::record

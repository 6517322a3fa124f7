#pragma once

#include "record/record.hpp"

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace sluice::bench {

/// A new record in a folder of its own, which goes with it.
class ScratchRecord {
 public:
  ScratchRecord() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    folder_ = pattern;
    record_ = record::Record::open((folder_ / "record.db").string(),
                                   {"s3.example.com", "bucket", ""}, record::Adopt::no)
                  .value();
  }
  ~ScratchRecord() {
    record_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  ScratchRecord(const ScratchRecord&) = delete;
  ScratchRecord& operator=(const ScratchRecord&) = delete;

  record::Record& record() { return *record_; }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<record::Record> record_;
};

/// The row of a small object whose ETag is an MD5.
inline ObjectRow row_of(std::string key, std::size_t number) {
  ObjectRow row;
  row.key = std::move(key);
  row.version = {"d41d8cd98f00b204e9800998ecf8427e", number, 1'700'000'000'000};
  row.mtime_ns = 1'700'000'000'000'000'000;
  row.inode = number;
  row.proof = Proof::md5;
  row.digest = {DigestKind::md5, "0123456789abcdef"};
  return row;
}

}  // namespace sluice::bench

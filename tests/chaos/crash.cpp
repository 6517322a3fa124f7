#include "crash.hpp"

#include "tree.hpp"

#include <filesystem>

namespace sluice::chaos {

namespace fs = std::filesystem;

CrashPoint::CrashPoint(std::string dir, std::string aside)
    : dir_(std::move(dir)), aside_(std::move(aside)) {}

void CrashPoint::keep() {
  if (kept_) return;
  kept_ = true;
  fs::remove_all(aside_);
  fs::create_directories(aside_);
  staged_ = staged_files(dir_);
  for (std::size_t i = 0; i < staged_.size(); ++i)
    fs::create_hard_link(dir_ + "/.sluice/staging/" + staged_[i], aside_ + "/" + std::to_string(i));
  for (const char* suffix : {"", "-wal"})
    if (fs::exists(dir_ + "/.sluice/record.db" + suffix))
      fs::copy_file(dir_ + "/.sluice/record.db" + suffix, aside_ + "/record.db" + suffix);
}

void CrashPoint::put_back() {
  if (!kept_) return;
  for (const std::string& name : staged_files(dir_))
    fs::remove(dir_ + "/.sluice/staging/" + name);
  for (std::size_t i = 0; i < staged_.size(); ++i) {
    const fs::path to = dir_ + "/.sluice/staging/" + staged_[i];
    fs::create_directories(to.parent_path());
    fs::rename(aside_ + "/" + std::to_string(i), to);
  }
  for (const char* suffix : {"", "-wal", "-shm"}) {
    fs::remove(dir_ + "/.sluice/record.db" + suffix);
    if (fs::exists(aside_ + "/record.db" + suffix))
      fs::rename(aside_ + "/record.db" + suffix, dir_ + "/.sluice/record.db" + suffix);
  }
  kept_ = false;
}

}  // namespace sluice::chaos

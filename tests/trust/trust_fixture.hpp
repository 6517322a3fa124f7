// What must be true whatever a server, a network or a key does: the program with `--delete` on a
// mirror of ten files, beside a file that is none of ours, a folder that it must not touch, and a
// host that it must not speak to.
#pragma once

#include "cli_fixture.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::testing {

namespace fs = std::filesystem;
using Tree = std::map<std::string, std::string>;

inline constexpr const char* kSessionToken = "FwoGZXIvYXdzEXAMPLETOKEN==";
inline constexpr std::int64_t kTime = 1'700'000'000'000;
inline constexpr std::size_t kMirrored = 10;
/// What is left if nothing was deleted.
inline constexpr std::size_t kAllLeft = kMirrored + 1;

class Trust : public Cli {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// The pages of these tests hold three keys, their parts 64 KiB.
  Ran sync_deleting(const Words& flags = {});
  Words sync_words(const Words& flags = {}) const;
  std::string file(const std::string& key) const { return dir() + "/" + key; }
  std::string outside() const { return work_ / "outside"; }
  /// A URL on the host that is not to be asked anything.
  std::string trap_url() const { return trap_->url() + "/photos/stolen"; }
  Tree local() const { return tree_of(dir()); }

  /// No file is torn or foreign, ours is as it was; nothing outside; nothing asked of the trap; no
  /// signature refused; staging empty.
  void expect_nothing_broken() const;
  void expect_staging_empty() const;
  /// The faults stop: one pass makes the mirror equal to the bucket, the next only lists.
  void expect_recovery(const Words& flags = {});
  /// Until the server has been asked so often.
  bool wait_for_requests(Operation operation, std::uint64_t count) const;

  std::unique_ptr<Server> trap_;
};

/// The n-th requests of a kind, and no others.
inline origin::Rule nth(Operation operation, std::uint64_t n, origin::Action action) {
  origin::Rule out = rule(operation, std::move(action));
  out.match.from = out.match.to = n;
  return out;
}

/// What a listing of these keys looks like; `next_token` empty: it ends here.
origin::Action page_of(MemoryBucket& bucket, const std::vector<std::string>& keys,
                       const std::string& next_token);

}  // namespace sluice::testing

#include "record/recovery.hpp"

#include "base/text.hpp"
#include "record/database.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <cstdio>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::record {
namespace {

/// More damaged copies than this are no help to anybody and would fill the disk.
constexpr int kMostDamaged = 9;

}  // namespace

bool is_there(const std::string& path) {
  struct stat st {};
  return lstat(path.c_str(), &st) == 0;
}

/// The SQLite code of a page that the check could not read ("… unable to get the page. error
/// code=266", or of a free one "failed to get page 7"), or 0: the check itself ends well then.
int read_failure(std::string_view verdict) {
  if (verdict.find("failed to get page") != std::string_view::npos) return SQLITE_IOERR_READ;
  constexpr std::string_view kCode = "error code=";
  const std::size_t at = verdict.rfind(kCode);
  if (at == std::string_view::npos) return 0;
  const auto code = text::parse_uint(verdict.substr(at + kCode.size()));
  return code && (*code & 0xFF) == SQLITE_IOERR ? static_cast<int>(*code) : 0;
}

/// The WAL goes along, and first: without its own database beside it, it could only be replayed
/// into a wrong one.
Result<void> move_aside(const std::string& path) {
  std::string to;
  for (int n = 1; n <= kMostDamaged; ++n) {
    to = path + ".damaged-" + std::to_string(n);
    if (!is_there(to)) break;
  }
  for (const char* suffix : {"-wal", "-shm", ""}) {
    if (std::rename((path + suffix).c_str(), (to + suffix).c_str()) != 0 && errno != ENOENT)
      return local_error("cannot move the damaged record \"" + text::escaped(path) + "\" aside",
                         errno);
  }
  unlink(suspicion_path(path).c_str());
  return {};
}

}  // namespace sluice::record

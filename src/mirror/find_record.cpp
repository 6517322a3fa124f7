#include "mirror/find_record.hpp"

#include "base/text.hpp"
#include "local/path.hpp"

#include <cerrno>
#include <sys/stat.h>

namespace sluice::mirror {

namespace {

/// Why there is nothing to read, before SQLite is asked.
Result<void> look_for(const std::string& dir, const std::string& record) {
  struct stat st {};
  if (::stat(dir.c_str(), &st) != 0)
    return local_error("cannot look at " + text::quoted(dir), errno);
  if (!S_ISDIR(st.st_mode)) return local_error(text::quoted(dir) + " is no mirror", ENOTDIR);
  if (::stat(record.c_str(), &st) == 0) return {};
  if (errno != ENOENT && errno != ENOTDIR)
    return local_error("cannot look at the record of " + text::quoted(dir), errno);
  return Error(ErrorKind::local, text::quoted(dir) + " is no mirror: it has no record (" +
                                     text::quoted(record) +
                                     "); it gets one when `sluice sync` or `watch` runs on it");
}

}  // namespace

Result<std::unique_ptr<record::Record>> find_record(const std::string& dir) {
  const std::string path = dir + '/' + std::string(local::kReservedName) + "/record.db";
  if (const auto found = look_for(dir, path); !found) return found.error();
  return record::Record::connect(path, record::Access::read_only);
}

}  // namespace sluice::mirror

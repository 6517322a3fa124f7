#include "sluice/status.hpp"

#include "base/text.hpp"
#include "local/path.hpp"
#include "record/record.hpp"

#include <cerrno>
#include <sys/stat.h>
#include <utility>

namespace sluice {

namespace {

std::string quoted(const std::string& path) {
  return '"' + text::escaped(path) + '"';
}

/// Why there is nothing to read, before SQLite is asked.
Result<void> find_record(const std::string& dir, const std::string& record) {
  struct stat st {};
  if (::stat(dir.c_str(), &st) != 0) return local_error("cannot look at " + quoted(dir), errno);
  if (!S_ISDIR(st.st_mode)) return local_error(quoted(dir) + " is no mirror", ENOTDIR);
  if (::stat(record.c_str(), &st) == 0) return {};
  if (errno != ENOENT && errno != ENOTDIR)
    return local_error("cannot look at the record of " + quoted(dir), errno);
  return Error(ErrorKind::local, quoted(dir) + " is no mirror: it has no record (" +
                                     quoted(record) +
                                     "); it gets one when `sluice sync` or `watch` runs on it");
}

PassReport report_of(record::PassRow& row) {
  PassReport out;
  out.started_ms = row.started_ms;
  out.finished_ms = row.finished_ms;
  out.outcome = std::move(row.outcome);
  out.listed = row.listed;
  out.kept = row.kept;
  out.fetched = row.fetched;
  out.fetched_bytes = row.fetched_bytes;
  out.deleted = row.deleted;
  out.failed = row.failed;
  out.refused = row.refused;
  return out;
}

Result<MirrorStatus> read(const std::string& dir, std::size_t most_passes) {
  const std::string path = dir + '/' + std::string(local::kReservedName) + "/record.db";
  if (const auto found = find_record(dir, path); !found) return found.error();
  const auto record = record::Record::connect(path, record::Access::read_only);
  if (!record) return record.error();

  MirrorStatus status;
  status.dir = dir;
  if (auto source = (*record)->source()) {
    status.endpoint_host = std::move(source->endpoint_host);
    status.bucket = std::move(source->bucket);
    status.prefix = std::move(source->prefix);
  }
  const auto totals = (*record)->totals();
  if (!totals) return totals.error();
  status.objects = totals->objects;
  status.bytes = totals->bytes;
  status.refused = totals->refused;
  auto passes = (*record)->last_passes(most_passes);
  if (!passes) return passes.error();
  for (record::PassRow& row : *passes)
    status.passes.push_back(report_of(row));
  return status;
}

}  // namespace

std::variant<MirrorStatus, Error> read_status(const std::string& dir, std::size_t most_passes) {
  auto status = read(dir, most_passes);
  if (!status) return status.error();
  return *std::move(status);
}

}  // namespace sluice

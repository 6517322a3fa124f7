#include "sluice/status.hpp"

#include "local/lock.hpp"
#include "local/path.hpp"
#include "mirror/find_record.hpp"

#include <utility>

namespace sluice {

namespace {

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
  const auto record = mirror::find_record(dir);
  if (!record) return record.error();

  MirrorStatus status;
  status.dir = dir;
  status.process = local::lock_holder(dir + '/' + std::string(local::kReservedName));
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
  status.partial_downloads = totals->partials;
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

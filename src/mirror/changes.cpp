#include "sluice/changes.hpp"

#include "base/text.hpp"
#include "mirror/find_record.hpp"

#include <utility>

namespace sluice {

namespace {

Change change_of(record::ChangeRow& row) {
  Change out;
  out.seq = static_cast<std::uint64_t>(row.seq);
  out.pass = row.pass;
  out.kind = static_cast<ChangeKind>(row.what);
  out.key = std::move(row.key);
  out.old_etag = std::move(row.old_etag);
  out.etag = std::move(row.etag);
  out.size = row.size;
  return out;
}

Result<ChangeList> read(const std::string& dir, std::uint64_t after, std::size_t limit) {
  const auto record = mirror::find_record(dir);
  if (!record) return record.error();
  // The changes first: what is pruned meanwhile then shows in the bounds.
  const auto there = (*record)->journal();
  if (!there) return there.error();
  if (!*there)
    return Error(
        ErrorKind::local,
        '"' + text::escaped(dir) +
            "\" keeps no journal of changes; `sluice watch` makes one, and so does `sluice "
            "sync --journal 100000`");
  auto rows = (*record)->changes_after(static_cast<std::int64_t>(after), limit);
  if (!rows) return rows.error();
  const auto bounds = (*record)->journal();
  if (!bounds) return bounds.error();
  ChangeList list;
  if (*bounds) {
    list.begins = static_cast<std::uint64_t>((*bounds)->begins);
    list.newest = static_cast<std::uint64_t>((*bounds)->newest);
  }
  for (record::ChangeRow& row : *rows)
    list.changes.push_back(change_of(row));
  return list;
}

}  // namespace

std::variant<ChangeList, Error> read_changes(const std::string& dir, std::uint64_t after,
                                             std::size_t limit) {
  auto list = read(dir, after, limit);
  if (!list) return list.error();
  return *std::move(list);
}

}  // namespace sluice

#include "mirror/look.hpp"

#include <cerrno>
#include <sys/stat.h>
#include <utility>

namespace sluice::mirror {

namespace {

/// The rows that a real run would find; nothing if it would begin with none.
Result<std::unique_ptr<record::Record>> rows_of(const local::Destination& destination,
                                                const record::Source& source, record::Adopt adopt) {
  const auto access =
      destination.is_undisturbed() ? record::Access::frozen : record::Access::read_only;
  auto found = record::Record::connect(destination.record_path(), access);
  if (!found) return found;
  const auto is_same = (*found)->belongs_to(source, adopt);
  if (!is_same) return is_same.error();
  if (!*is_same) return std::unique_ptr<record::Record>();
  return found;
}

}  // namespace

Result<LocalSide> look_at(const MirrorOptions& options, const record::Source& source,
                          Observer& observer) {
  LocalSide side;
  auto destination = local::Destination::look(options.dir);
  if (!destination) return destination.error();
  side.destination = std::move(*destination);

  struct stat st {};
  if (::stat(side.destination->record_path().c_str(), &st) == 0) {
    const auto adopt = options.adopt ? record::Adopt::yes : record::Adopt::no;
    auto rows = rows_of(*side.destination, source, adopt);
    if (!rows && rows.error().code != "damaged") return rows.error();
    if (rows)
      side.record = std::move(*rows);
    else
      observer.on_message(Level::warning,
                          "the record is damaged; a real run moves it aside and compares the files "
                          "that are here with the bucket by their content");
    if (!side.destination->is_undisturbed())
      observer.on_message(Level::info,
                          "another process may be at work here; this is how it looks now");
  }
  if (!side.record) {
    auto nothing = record::Record::empty();
    if (!nothing) return nothing.error();
    side.record = std::move(*nothing);
  }
  return side;
}

}  // namespace sluice::mirror

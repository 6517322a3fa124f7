#include "record/rows.hpp"

#include "base/text.hpp"

#include <cstdint>
#include <string_view>

namespace sluice::record {
namespace {

constexpr std::size_t kIndexBytes = 4;
constexpr std::size_t kPartBytes = kIndexBytes + 8;

}  // namespace

void bind_row(Statement& statement, const ObjectRow& row) {
  statement.bind_blob(1, row.key)
      .bind_text(2, row.version.etag)
      .bind_unsigned(3, row.version.size)
      .bind(4, row.version.modified_ms)
      .bind(5, row.mtime_ns)
      .bind_unsigned(6, row.inode)
      .bind(7, static_cast<std::int64_t>(row.proof))
      .bind(8, static_cast<std::int64_t>(row.digest.kind))
      .bind_blob(9, row.digest.bytes)
      .bind(10, static_cast<std::int64_t>(row.state));
}

ObjectRow read_row(const Statement& statement) {
  ObjectRow row;
  row.key = statement.bytes(0);
  row.version.etag = statement.bytes(1);
  row.version.size = statement.natural(2);
  row.version.modified_ms = statement.integer(3);
  row.mtime_ns = statement.integer(4);
  row.inode = statement.natural(5);
  row.proof = static_cast<Proof>(statement.integer(6));
  row.digest.kind = static_cast<DigestKind>(statement.integer(7));
  row.digest.bytes = statement.bytes(8);
  row.state = static_cast<RowState>(statement.integer(9));
  return row;
}

std::string encode_parts(const PartialRow& row) {
  std::string out;
  out.reserve(row.parts.size() * kPartBytes);
  for (const auto& [index, crc] : row.parts) {
    out += text::big_endian(index, kIndexBytes);
    out += text::big_endian(crc, kPartBytes - kIndexBytes);
  }
  return out;
}

void bind_partial(Statement& statement, const PartialRow& row, const std::string& parts) {
  statement.bind_blob(1, row.key)
      .bind_text(2, row.version.etag)
      .bind_unsigned(3, row.version.size)
      .bind(4, row.version.modified_ms)
      .bind_unsigned(5, row.part_bytes)
      .bind_text(6, row.staged_name)
      .bind_blob(7, parts);
}

PartialRow read_partial(const Statement& statement) {
  PartialRow row;
  row.key = statement.bytes(0);
  row.version.etag = statement.bytes(1);
  row.version.size = statement.natural(2);
  row.version.modified_ms = statement.integer(3);
  row.part_bytes = statement.natural(4);
  row.staged_name = statement.bytes(5);
  std::string_view parts = statement.bytes(6);
  for (; parts.size() >= kPartBytes; parts.remove_prefix(kPartBytes)) {
    const auto index =
        static_cast<std::uint32_t>(text::from_big_endian(parts.substr(0, kIndexBytes)));
    row.parts[index] = text::from_big_endian(parts.substr(kIndexBytes, kPartBytes - kIndexBytes));
  }
  return row;
}

}  // namespace sluice::record

#include "report/change_line.hpp"

#include "base/text.hpp"
#include "report/json.hpp"

#include <fmt/format.h>

namespace sluice::report {

std::string change_line(const Change& change) {
  return fmt::format("{} {:<7}  {}", change.seq, to_string(change.kind), text::escaped(change.key));
}

std::string change_json(const Change& change) {
  JsonObject out;
  out.text("event", "change")
      .number("seq", change.seq)
      .integer("pass", change.pass)
      .text("what", to_string(change.kind))
      .bytes("key", change.key)
      .number("size_bytes", change.size);
  if (!change.old_etag.empty()) out.text("old_etag", change.old_etag);
  if (!change.etag.empty()) out.text("etag", change.etag);
  return out.str();
}

}  // namespace sluice::report

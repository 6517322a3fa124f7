#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::report {

/// One JSON object on one line, field by field. Names are ours and need no escaping; what could
/// deceive a terminal is written as \uNNNN.
class JsonObject {
 public:
  /// Words for people or from a fixed set; bytes that are not UTF-8 become U+FFFD.
  JsonObject& text(std::string_view name, std::string_view value);
  /// A name that is bytes (a key, a path): as `text`, and where it is not UTF-8 a second field
  /// NAME_base64 has all of it.
  JsonObject& bytes(std::string_view name, std::string_view value);
  JsonObject& number(std::string_view name, std::uint64_t value);
  JsonObject& integer(std::string_view name, std::int64_t value);
  JsonObject& flag(std::string_view name, bool value);
  JsonObject& object(std::string_view name, const JsonObject& value);
  JsonObject& array(std::string_view name, const std::vector<JsonObject>& values);
  /// All fields of `more`, after these.
  JsonObject& add(const JsonObject& more);

  std::string str() const { return '{' + fields_ + '}'; }

 private:
  void begin(std::string_view name);

  std::string fields_;
};

}  // namespace sluice::report

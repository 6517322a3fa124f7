#include "report/json.hpp"

#include "base/text.hpp"

#include <span>

namespace sluice::report {

void JsonObject::begin(std::string_view name) {
  if (!fields_.empty()) fields_ += ',';
  fields_ += '"';
  fields_ += name;
  fields_ += "\":";
}

JsonObject& JsonObject::text(std::string_view name, std::string_view value) {
  begin(name);
  fields_ += '"';
  fields_ += text::json_escaped(value);
  fields_ += '"';
  return *this;
}

JsonObject& JsonObject::bytes(std::string_view name, std::string_view value) {
  text(name, value);
  if (text::is_utf8(value)) return *this;
  std::string second(name);
  second += "_base64";
  return text(second, text::base64(std::as_bytes(std::span(value))));
}

JsonObject& JsonObject::number(std::string_view name, std::uint64_t value) {
  begin(name);
  fields_ += std::to_string(value);
  return *this;
}

JsonObject& JsonObject::integer(std::string_view name, std::int64_t value) {
  begin(name);
  fields_ += std::to_string(value);
  return *this;
}

JsonObject& JsonObject::flag(std::string_view name, bool value) {
  begin(name);
  fields_ += value ? "true" : "false";
  return *this;
}

JsonObject& JsonObject::object(std::string_view name, const JsonObject& value) {
  begin(name);
  fields_ += value.str();
  return *this;
}

JsonObject& JsonObject::array(std::string_view name, const std::vector<JsonObject>& values) {
  begin(name);
  fields_ += '[';
  for (const JsonObject& value : values) {
    if (&value != values.data()) fields_ += ',';
    fields_ += value.str();
  }
  fields_ += ']';
  return *this;
}

JsonObject& JsonObject::add(const JsonObject& more) {
  if (!fields_.empty() && !more.fields_.empty()) fields_ += ',';
  fields_ += more.fields_;
  return *this;
}

}  // namespace sluice::report

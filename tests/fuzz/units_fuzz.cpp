// A size or a duration, as flags take them.

#include "base/units.hpp"
#include "property.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto bytes = units::parse_size("--flag", text);
  if (bytes) {
    fuzz::require(units::parse_size("--flag", std::to_string(*bytes)).value() == *bytes,
                  "a number of bytes means itself");
    fuzz::require(units::parse_size("--flag", " " + text + "\t").value() == *bytes,
                  "blanks do not matter");
    fuzz::require(!units::format_size(*bytes).empty(), "every size can be shown");
  }
  const auto duration = units::parse_duration("--flag", text);
  if (duration) {
    fuzz::require(duration->count() >= 0, "no duration is negative");
    const auto again = units::parse_duration("--flag", std::to_string(duration->count()) + "ms");
    fuzz::require(again && *again == *duration, "milliseconds mean themselves");
    fuzz::require(!units::format_duration(*duration).empty(), "every duration can be shown");
  }
  if (!bytes)
    fuzz::require(bytes.error().kind == ErrorKind::usage &&
                      bytes.error().message.find("--flag") != std::string::npos,
                  "a refusal names the flag");
  return 0;
}

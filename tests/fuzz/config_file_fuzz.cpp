// The configuration file of the command line.

#include "config_file.hpp"
#include "property.hpp"

#include <cstdio>

namespace sluice::fuzz {
namespace {

/// As a TOML string, every byte that could mean something escaped.
std::string quoted(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) {
    if (static_cast<unsigned char>(c) < ' ' || c == '"' || c == '\\' || c == '\x7f') {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04X", static_cast<unsigned char>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string written(const std::vector<cli::ConfigEntry>& entries) {
  std::string out;
  std::string section;
  for (const cli::ConfigEntry& entry : entries) {
    if (entry.section != section) out += "[" + quoted(entry.section) + "]\n";
    section = entry.section;
    out += quoted(entry.name) + " = [";
    for (const std::string& value : entry.values)
      out += quoted(value) + ", ";
    out += "]\n";
  }
  return out;
}

void check(std::string_view text) {
  const auto entries = cli::parse_config("FILE", text);
  if (!entries) {
    require(entries.error().kind == ErrorKind::usage, "a bad file is a usage error");
    require(entries.error().message.find("FILE") != std::string::npos, "the file is named");
    return;
  }
  const auto again = cli::parse_config("FILE", written(*entries));
  require(again.has_value() && again->size() == entries->size(), "what was read can be written");
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const cli::ConfigEntry& a = (*entries)[i];
    const cli::ConfigEntry& b = (*again)[i];
    require(a.section == b.section && a.name == b.name && a.values == b.values,
            "what was read and written is the same");
    require(a.line > 0, "an entry has a line");
  }
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}

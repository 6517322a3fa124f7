#include "report/bench_svg.hpp"

#include "base/text.hpp"
#include "base/units.hpp"
#include "report/bench_text.hpp"
#include "report/wording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace sluice::report {
namespace {

constexpr int kRow = 20;
constexpr int kLabel = 230;
constexpr int kPanel = 210;
constexpr int kBarWidth = 120;
constexpr std::string_view kBest = "#1f7a4d";
constexpr std::string_view kOther = "#8aa4bf";

std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text::escaped(text)) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

std::string label(int x, int y, std::string_view text) {
  return fmt::format("<text x=\"{}\" y=\"{}\">{}</text>\n", x, y, xml_escaped(text));
}

struct Bar {
  double value = 0;
  double most = 0;
  std::string text;
};

std::string row(int y, std::string_view name, std::string_view colour,
                const std::vector<Bar>& bars) {
  std::string out = label(10, y + 14, name);
  int x = kLabel;
  for (const Bar& bar : bars) {
    const double width = bar.most > 0 ? bar.value / bar.most * kBarWidth : 0;
    out += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"14\" fill=\"{}\"/>\n", x,
                       y + 3, width, colour);
    out += label(x + static_cast<int>(width) + 5, y + 14, bar.text);
    x += kPanel;
  }
  return out;
}

std::string setting_rows(const std::vector<BenchRow>& rows, int& y) {
  BenchRow most;
  for (const BenchRow& one : rows) {
    most.rate = std::max(most.rate, one.rate);
    most.cpu_per_gib = std::max(most.cpu_per_gib, one.cpu_per_gib);
    most.first_byte_ms = std::max(most.first_byte_ms, one.first_byte_ms);
  }
  std::string out = label(kLabel, y + 14, "rate") + label(kLabel + kPanel, y + 14, "CPU s/GiB") +
                    label(kLabel + 2 * kPanel, y + 14, "first byte, ms");
  y += kRow;
  for (const BenchRow& one : rows) {
    const std::vector<Bar> bars = {
        {one.rate, most.rate, units::format_size(static_cast<std::uint64_t>(one.rate)) + "/s"},
        {one.cpu_per_gib, most.cpu_per_gib, fmt::format("{:.2f}", one.cpu_per_gib)},
        {one.first_byte_ms, most.first_byte_ms, fmt::format("{:.1f}", one.first_byte_ms)}};
    out += row(y, setting_text(one.setting), one.is_best ? kBest : kOther, bars);
    y += kRow;
  }
  return out;
}

std::string listing_rows(const BenchReport& report, int& y) {
  double most = 0;
  for (const BenchListing& listing : report.listings)
    most = std::max(most, listing.keys_per_second());
  y += kRow / 2;
  std::string out = label(kLabel, y + 14, "keys listed");
  y += kRow;
  for (const BenchListing& listing : report.listings) {
    const double rate = listing.keys_per_second();
    const bool is_best = report.advice.list_concurrency == listing.concurrency;
    const std::vector<Bar> bars = {{rate, most, grouped(static_cast<std::uint64_t>(rate)) + "/s"}};
    out += row(y, fmt::format("{} list requests at once", listing.concurrency),
               is_best ? kBest : kOther, bars);
    y += kRow;
  }
  return out;
}

}  // namespace

std::string bench_svg(const BenchReport& report, std::string_view title) {
  int y = 10;
  std::string body = label(10, y + 14, title);
  y += 3 * kRow / 2;
  body += setting_rows(bench_rows(report), y);
  if (!report.listings.empty()) body += listing_rows(report, y);
  const std::string flags = recommended_flags(report.advice);
  y += kRow / 2;
  body += label(10, y + 14, flags.empty() ? "recommended: no flags" : "recommended: " + flags);
  y += 3 * kRow / 2;
  const int width = kLabel + 3 * kPanel;
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n{2}</svg>\n",
      width, y, body);
}

}  // namespace sluice::report

#pragma once

#include "report/watch_view.hpp"

#include <string>
#include <string_view>

namespace sluice::report {

inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

/// The text format of Prometheus, 0.0.4. What each metric means: docs/operations.md.
std::string metrics_text(const WatchView& view);

/// The inside of a label's quotes.
std::string label_escaped(std::string_view value);

}  // namespace sluice::report

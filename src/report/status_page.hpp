#pragma once

#include "report/watch_view.hpp"

#include <string>
#include <string_view>

namespace sluice::report {

/// The page of a watch: HTML that needs nothing else and works without JavaScript (it asks to be
/// loaded anew every 10 s); with `kPageScript`, at `/live.js`, it changes in place.
std::string status_page(const WatchView& view);

extern const std::string_view kPageScript;

/// What the page may do: its own style, its own script, no other origin.
inline constexpr std::string_view kPagePolicy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Bytes as the text of an element or a quoted attribute: what could deceive is shown as \xNN.
std::string html_escaped(std::string_view bytes);

}  // namespace sluice::report

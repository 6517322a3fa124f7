#pragma once

#include "sluice/error.hpp"
#include "sluice/options.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

enum class CheckState : std::uint8_t {
  passed,
  noted,    ///< it works, but something should be looked at
  failed,   ///< `sync` would fail for this
  skipped,  ///< could not be looked at, for what failed before it or was not given
};
std::string_view to_string(CheckState state) noexcept;

/// One thing that was looked at.
struct Check {
  std::string_view name;  ///< `credentials`, `tls`, … of a fixed set: docs/events.md
  CheckState state = CheckState::passed;
  std::string detail;          ///< what was found, a few words; holds no secret
  std::string advice;          ///< what to change, one sentence; empty: nothing
  std::optional<Error> error;  ///< with `failed`
};

struct DoctorOptions {
  SourceOptions source;
  std::string dir;  ///< empty: no destination is looked at
};

struct Diagnosis {
  std::vector<Check> checks;
  /// What the identity needs, as an IAM policy in JSON; set if a permission is missing.
  std::string policy;

  /// The first that failed; nullptr if all is well.
  const Check* failure() const noexcept;
};

/// Looks at everything that a mirror of this source needs, one thing after the other, and changes
/// nothing: a probe file in an existing `dir` is removed again. `on_check` is told of each on the
/// caller's thread as it is done. Blocks; ends within some 30 s for each thing that does not
/// answer.
Diagnosis diagnose(const DoctorOptions& options, const std::function<void(const Check&)>& on_check);

}  // namespace sluice

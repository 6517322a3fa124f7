#include "sluice/changes.hpp"
#include "sluice/doctor.hpp"
#include "sluice/observer.hpp"

namespace sluice {

std::string_view to_string(What what) noexcept {
  switch (what) {
    case What::kept:
      return "kept";
    case What::fetched:
      return "fetched";
    case What::adopted:
      return "adopted";
    case What::touched:
      return "touched";
    case What::deleted:
      return "deleted";
    case What::extraneous:
      return "extraneous";
    case What::local_kept:
      return "local-kept";
    case What::forgotten:
      return "forgotten";
    case What::vanished:
      return "vanished";
    case What::archived:
      return "archived";
    case What::refused:
      return "refused";
    case What::failed:
      return "failed";
  }
  return "unknown";
}

std::string_view to_string(ChangeKind kind) noexcept {
  switch (kind) {
    case ChangeKind::added:
      return "added";
    case ChangeKind::changed:
      return "changed";
    case ChangeKind::renewed:
      return "renewed";
    case ChangeKind::removed:
      return "removed";
  }
  return "changed";
}

std::string_view to_string(CheckState state) noexcept {
  switch (state) {
    case CheckState::passed:
      return "passed";
    case CheckState::noted:
      return "noted";
    case CheckState::failed:
      return "failed";
    case CheckState::skipped:
      return "skipped";
  }
  return "failed";
}

const Check* Diagnosis::failure() const noexcept {
  for (const Check& check : checks)
    if (check.state == CheckState::failed) return &check;
  return nullptr;
}

}  // namespace sluice

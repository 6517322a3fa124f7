#include "plan/licence.hpp"

#include <string>

namespace sluice::plan {

std::optional<DeletionLicence> DeletionLicence::from(const ListingProof& proof,
                                                     bool allow_empty_source, Error* why_not) {
  const auto refuse = [why_not](const char* why) {
    if (why_not != nullptr) *why_not = Error(ErrorKind::guard, why);
    return std::nullopt;
  };
  if (!proof.complete) return refuse("nothing was deleted: the listing did not complete");
  if (!proof.ordered)
    return refuse(
        "nothing was deleted: the server does not list in byte order, so that no key is "
        "proved absent");
  if (proof.keys == 0 && !allow_empty_source)
    return refuse(
        "nothing was deleted: the listing is empty, which more often is a mistake than the "
        "truth; --allow-empty-source deletes all the same");
  return DeletionLicence();
}

std::optional<Error> guard_deletion(const DeleteLimit& limit, std::uint64_t candidates,
                                    std::uint64_t recorded) {
  const auto refuse = [candidates, recorded](const std::string& bound) {
    return Error(ErrorKind::guard,
                 "nothing was deleted: " + std::to_string(candidates) + " of " +
                     std::to_string(recorded) + " recorded files would go, more than " + bound +
                     " allows; look at the bucket and the filters, then raise --max-delete");
  };
  if (limit.files && candidates > *limit.files)
    return refuse("--max-delete " + std::to_string(*limit.files));
  if (limit.percent && candidates > DeleteLimit::kPercentFloorFiles &&
      candidates * 100 > recorded * *limit.percent)
    return refuse("--max-delete " + std::to_string(*limit.percent) + "%");
  return std::nullopt;
}

}  // namespace sluice::plan

#include "mirror/pass.hpp"

#include <utility>

namespace sluice::mirror {

void Pass::note(Error error) {
  std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(error);
}

void Pass::fail_listing(Error error) {
  note(std::move(error));
}

void Pass::abort(Error error) {
  note(std::move(error));
  end_early();
}

void Pass::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_release);
  end_early();
}

void Pass::end_early() noexcept {
  ended_early_.store(true, std::memory_order_release);
  // Whoever waits for room or for work wakes up; what is queued is dropped by its consumer.
  pages.close();
  adoptions.close();
  parts.close();
  planning.cancel();
  fetching.cancel();
  deleting.cancel();
}

std::optional<Error> Pass::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace sluice::mirror

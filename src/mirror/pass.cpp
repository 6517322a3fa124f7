#include "mirror/pass.hpp"

#include <cerrno>
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

bool is_disk_failure(const Error& error) noexcept {
  return error.kind == ErrorKind::local && (error.os_error == ENOSPC || error.os_error == EDQUOT ||
                                            error.os_error == EROFS || error.os_error == EIO);
}

std::optional<Error> Pass::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace sluice::mirror

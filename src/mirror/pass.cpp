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
  return error.kind == ErrorKind::local && (error.os_error == EROFS || error.os_error == EIO);
}

bool is_out_of_space(const Error& error) noexcept {
  return error.kind == ErrorKind::local && (error.os_error == ENOSPC || error.os_error == EDQUOT);
}

void Pass::note_no_room(std::uint64_t bytes) noexcept {
  std::uint64_t known = no_room_for_.load(std::memory_order_relaxed);
  while (bytes < known && !no_room_for_.compare_exchange_weak(known, bytes)) {
  }
}

std::optional<Error> Pass::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace sluice::mirror

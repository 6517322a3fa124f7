#include "local_faults.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace sluice::chaos {

LocalFaults::LocalFaults(Random& random) : what_(random.chance(50) ? RLIMIT_FSIZE : RLIMIT_NOFILE) {
  ::getrlimit(what_, &before_);
  struct rlimit limit = before_;
  if (what_ == RLIMIT_FSIZE) {
    limit.rlim_cur = random.below(64 << 10);
  } else {
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(next);
    limit.rlim_cur = static_cast<rlim_t>(next) + random.below(24);
  }
  ::setrlimit(what_, &limit);
}

LocalFaults::~LocalFaults() {
  ::setrlimit(what_, &before_);
}

}  // namespace sluice::chaos

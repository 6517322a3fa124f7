// Local failures that need no seam: the kernel itself refuses, within limits of this process.
#pragma once

#include "random.hpp"

#include <sys/resource.h>

namespace sluice::chaos {

/// As long as this lives, files cannot grow beyond a drawn size (EFBIG), or there are too few
/// descriptors (EMFILE). SIGXFSZ must be ignored.
class LocalFaults {
 public:
  explicit LocalFaults(Random& random);
  ~LocalFaults();
  LocalFaults(const LocalFaults&) = delete;
  LocalFaults& operator=(const LocalFaults&) = delete;

 private:
  const __rlimit_resource_t what_;
  struct rlimit before_ {};
};

}  // namespace sluice::chaos

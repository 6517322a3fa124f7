#include "base/secret_file.hpp"

#include "base/text.hpp"

#include <sys/stat.h>

namespace sluice {

std::optional<std::string> warning_if_readable_by_others(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  if ((status.st_mode & (S_IRGRP | S_IROTH)) == 0) return std::nullopt;
  return text::escaped(path) +
         " holds a secret and can be read by other users of this machine; run chmod 600 on it";
}

}  // namespace sluice

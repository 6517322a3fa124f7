#include "local/spelling.hpp"

#include "local/beneath.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace sluice::local {

bool folds_names(int directory, std::string_view name) noexcept {
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  struct stat one {};
  struct stat other {};
  return Beneath::stat_at(directory, name, one) == 0 &&
         Beneath::stat_at(directory, upper, other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

int spelling_of(int directory, std::string_view name, std::string& spelling) {
  spelling.clear();
  struct stat wanted {};
  const int found = Beneath::stat_at(directory, name, wanted);
  if (found == -ENOENT) return 0;
  if (found != 0) return found;
  const int readable = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (readable < 0) return -errno;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(readable), closedir);
  if (!entries) {
    const int error = errno;
    close(readable);
    return -error;
  }
  errno = 0;
  while (const dirent* entry = readdir(entries.get())) {
    if (entry->d_name == name) {
      spelling = name;
      return 0;
    }
    if (entry->d_ino == wanted.st_ino) spelling = entry->d_name;
  }
  return -errno;
}

}  // namespace sluice::local

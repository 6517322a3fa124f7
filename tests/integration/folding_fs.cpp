// A file system that takes names in another case for one and keeps the case they were made in, as
// vfat, NTFS, SMB shares and ext4 with casefold do: a directory, seen through FUSE.
//
//   folding_fs -f -o fsname=folding BACKING-DIRECTORY MOUNT-POINT
#define FUSE_USE_VERSION 35
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <string>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace {

std::string backing;

/// The file that this path leads to: each name exactly, else in another case, else as it is given.
std::string real(const char* path) {
  std::string found = backing;
  std::string_view rest = path;
  while (!rest.empty()) {
    rest.remove_prefix(rest.find_first_not_of('/') == std::string_view::npos
                           ? rest.size()
                           : rest.find_first_not_of('/'));
    const std::string name(rest.substr(0, rest.find('/')));
    rest.remove_prefix(name.size());
    if (name.empty()) break;
    std::string spelled = name;
    struct stat there {};
    if (lstat((found + "/" + name).c_str(), &there) != 0) {
      if (DIR* entries = opendir(found.c_str())) {
        while (const dirent* entry = readdir(entries)) {
          if (strcasecmp(entry->d_name, name.c_str()) == 0) spelled = entry->d_name;
        }
        closedir(entries);
      }
    }
    found += "/" + spelled;
  }
  return found;
}

int result(long outcome) {
  return outcome < 0 ? -errno : static_cast<int>(outcome);
}

int descriptor(const fuse_file_info* info) {
  return static_cast<int>(info->fh);
}

void* init(fuse_conn_info*, fuse_config* config) {
  config->use_ino = 1;
  config->hard_remove = 1;
  config->entry_timeout = 0;
  config->attr_timeout = 0;
  config->negative_timeout = 0;
  return nullptr;
}

int get_attributes(const char* path, struct stat* out, fuse_file_info* info) {
  return result(info != nullptr ? fstat(descriptor(info), out) : lstat(real(path).c_str(), out));
}

int read_directory(const char* path, void* buffer, fuse_fill_dir_t fill, off_t, fuse_file_info*,
                   fuse_readdir_flags) {
  DIR* entries = opendir(real(path).c_str());
  if (entries == nullptr) return -errno;
  while (const dirent* entry = readdir(entries)) {
    struct stat status {};
    status.st_ino = entry->d_ino;
    status.st_mode = static_cast<mode_t>(entry->d_type) << 12;
    if (fill(buffer, entry->d_name, &status, 0, fuse_fill_dir_flags(0)) != 0) break;
  }
  closedir(entries);
  return 0;
}

int make_directory(const char* path, mode_t mode) {
  return result(mkdir(real(path).c_str(), mode));
}
int remove_file(const char* path) {
  return result(unlink(real(path).c_str()));
}
int remove_directory(const char* path) {
  return result(rmdir(real(path).c_str()));
}
int change_name(const char* from, const char* to, unsigned flags) {
  return result(renameat2(AT_FDCWD, real(from).c_str(), AT_FDCWD, real(to).c_str(), flags));
}
int make_link(const char* from, const char* to) {
  return result(link(real(from).c_str(), real(to).c_str()));
}
int change_mode(const char* path, mode_t mode, fuse_file_info*) {
  return result(chmod(real(path).c_str(), mode));
}
int change_size(const char* path, off_t size, fuse_file_info* info) {
  return result(info != nullptr ? ftruncate(descriptor(info), size)
                                : truncate(real(path).c_str(), size));
}
int change_times(const char* path, const timespec times[2], fuse_file_info* info) {
  return result(info != nullptr
                    ? futimens(descriptor(info), times)
                    : utimensat(AT_FDCWD, real(path).c_str(), times, AT_SYMLINK_NOFOLLOW));
}

int open_file(const char* path, fuse_file_info* info) {
  const int fd = open(real(path).c_str(), info->flags & ~O_NOFOLLOW);
  if (fd < 0) return -errno;
  info->fh = static_cast<std::uint64_t>(fd);
  return 0;
}
int create_file(const char* path, mode_t mode, fuse_file_info* info) {
  const int fd = open(real(path).c_str(), info->flags | O_CREAT, mode);
  if (fd < 0) return -errno;
  info->fh = static_cast<std::uint64_t>(fd);
  return 0;
}
int read_file(const char*, char* into, std::size_t size, off_t at, fuse_file_info* info) {
  return result(pread(descriptor(info), into, size, at));
}
int write_file(const char*, const char* from, std::size_t size, off_t at, fuse_file_info* info) {
  return result(pwrite(descriptor(info), from, size, at));
}
int sync_file(const char*, int, fuse_file_info* info) {
  return result(fsync(descriptor(info)));
}
int close_file(const char*, fuse_file_info* info) {
  return result(close(descriptor(info)));
}
int file_system_status(const char* path, struct statvfs* out) {
  return result(statvfs(real(path).c_str(), out));
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) return 2;
  backing = arguments[count - 2];
  arguments[count - 2] = arguments[count - 1];
  fuse_operations operations{};
  operations.init = init;
  operations.getattr = get_attributes;
  operations.readdir = read_directory;
  operations.mkdir = make_directory;
  operations.unlink = remove_file;
  operations.rmdir = remove_directory;
  operations.rename = change_name;
  operations.link = make_link;
  operations.chmod = change_mode;
  operations.truncate = change_size;
  operations.utimens = change_times;
  operations.open = open_file;
  operations.create = create_file;
  operations.read = read_file;
  operations.write = write_file;
  operations.fsync = sync_file;
  operations.release = close_file;
  operations.statfs = file_system_status;
  return fuse_main(count - 1, arguments, &operations, nullptr);
}

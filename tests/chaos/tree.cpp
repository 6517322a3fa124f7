#include "tree.hpp"

#include "temporary_directory.hpp"
#include "world.hpp"

#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::chaos {

namespace fs = std::filesystem;

Tree read_tree(const std::string& dir) {
  Tree tree;
  if (!fs::exists(dir)) return tree;
  for (auto it = fs::recursive_directory_iterator(dir); it != fs::recursive_directory_iterator();
       ++it) {
    if (it.depth() == 0 && it->path().filename() == ".sluice") {
      it.disable_recursion_pending();
      continue;
    }
    struct stat st {};
    if (::lstat(it->path().c_str(), &st) != 0) continue;
    Entry entry;
    entry.inode = st.st_ino;
    entry.mtime_ns = st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec;
    if (S_ISLNK(st.st_mode)) {
      entry.kind = Kind::link;
      entry.content = fs::read_symlink(it->path()).string();
    } else if (S_ISDIR(st.st_mode)) {
      entry.kind = Kind::folder;
      entry.mtime_ns = 0;  // changes with what is in it
    } else {
      entry.content = fake::read_file(it->path().string());
    }
    tree[it->path().string().substr(dir.size() + 1)] = std::move(entry);
  }
  return tree;
}

std::vector<std::string> staged_files(const std::string& dir) {
  std::vector<std::string> names;
  const std::string staging = dir + "/.sluice/staging";
  if (!fs::exists(staging)) return names;
  for (const auto& entry : fs::recursive_directory_iterator(staging))
    if (!entry.is_directory()) names.push_back(entry.path().string().substr(staging.size() + 1));
  return names;
}

User::User(std::string dir, std::string outside, Random& random)
    : dir_(std::move(dir)), outside_(std::move(outside)), random_(random) {}

bool User::has_touched_below(const std::string& folder) const {
  const auto next = touched_.lower_bound(folder + "/");
  return next != touched_.end() && next->starts_with(folder + "/");
}

void User::write(const std::string& path, const std::string& content, std::int64_t mtime_ns) {
  const int fd = ::open(full(path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return;
  const bool written =
      ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  const struct timespec times[2] = {{0, UTIME_OMIT},
                                    {mtime_ns / 1'000'000'000, mtime_ns % 1'000'000'000}};
  ::futimens(fd, times);
  ::close(fd);
  if (!written) throw std::runtime_error("the user cannot write " + path);
}

std::string User::edit(const std::string& path) {
  // A time of its own: that is how the mirror may know.
  clock_ns_ += 1'234'567;
  std::string content = "edited " + std::to_string(clock_ns_);
  write(path, content, clock_ns_);
  files_[path] = std::move(content);
  touched_.insert(path);
  return "the user edits " + shown(path);
}

std::string User::create(const std::string& path) {
  // Not through a link: what lies outside is to stay as it is.
  for (std::size_t end = path.find('/'); end != std::string::npos; end = path.find('/', end + 1)) {
    const auto type = fs::symlink_status(full(path.substr(0, end))).type();
    if (type != fs::file_type::not_found && type != fs::file_type::directory)
      return "the user cannot create " + shown(path);
  }
  fs::create_directories(fs::path(full(path)).parent_path());
  struct stat st {};
  if (::lstat(full(path).c_str(), &st) == 0) return "the user finds " + shown(path) + " taken";
  clock_ns_ += 1'234'567;
  std::string content = "foreign " + std::to_string(clock_ns_);
  write(path, content, clock_ns_);
  files_[path] = std::move(content);
  touched_.insert(path);
  return "the user creates " + shown(path);
}

std::string User::remove(const std::string& path) {
  ::unlink(full(path).c_str());
  files_.erase(path);
  touched_.insert(path);
  return "the user removes " + shown(path);
}

void User::note_all_touched(const std::string& below) {
  for (const auto& [path, entry] : read_tree(dir_)) {
    if (path != below && !path.starts_with(below + "/")) continue;
    files_.erase(path);
    links_.erase(path);
    folders_.erase(path);
    touched_.insert(path);
  }
}

std::string User::remove_folder(const std::string& path) {
  note_all_touched(path);
  fs::remove_all(full(path));
  return "the user removes the folder " + shown(path);
}

/// As after `cp -a`, a restore, a moved disk: all is as it was, but for the inode.
std::string User::copy(const std::string& path) {
  struct stat st {};
  if (::lstat(full(path).c_str(), &st) != 0) return "nothing to copy";
  const std::string content = fake::read_file(full(path));
  ::unlink(full(path).c_str());
  write(path, content, st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec);
  touched_.insert(path);
  return "the user restores " + shown(path);
}

std::string User::link(const std::string& path) {
  note_all_touched(path);
  touched_.insert(path);
  fs::remove_all(full(path));
  if (::symlink(outside_.c_str(), full(path).c_str()) != 0) return "the user cannot link";
  links_.insert(path);
  return "the user makes a link of " + shown(path);
}

std::string User::replace_by_folder(const std::string& path) {
  note_all_touched(path);
  touched_.insert(path);
  fs::remove_all(full(path));
  fs::create_directory(full(path));
  folders_.insert(path);
  std::string said = "the user makes a folder of " + shown(path);
  if (random_.chance(50)) said += ", " + create(path + "/own" + std::to_string(++names_));
  return said;
}

std::string User::act(Deeds deeds, const std::function<std::string()>& draw_path) {
  const Tree tree = read_tree(dir_);
  std::vector<std::string> files;
  std::vector<std::string> folders;
  for (const auto& [path, entry] : tree) {
    if (entry.kind == Kind::file) files.push_back(path);
    if (entry.kind == Kind::folder) folders.push_back(path);
  }
  const std::uint64_t what = random_.below(deeds == Deeds::any ? 100 : 70);
  if (what < 10 || files.empty()) {
    const std::string folder =
        folders.empty() || random_.chance(40) ? "" : random_.pick(folders) + "/";
    return create(folder + "own " + std::to_string(++names_));
  }
  if (what < 18) {
    const std::string path = draw_path();
    return is_storable(path) && !path.ends_with('/') ? create(path) : "the user hesitates";
  }
  const std::string file = random_.pick(files);
  if (what < 40) return edit(file);
  if (what < 60) return remove(file);
  if (what < 70) return copy(file);
  const std::string any = folders.empty() || random_.chance(60) ? file : random_.pick(folders);
  if (what < 80) return link(any);
  if (what < 88) return replace_by_folder(any);
  if (!folders.empty()) return remove_folder(random_.pick(folders));
  return remove(file);
}

std::string User::tidy_up() {
  for (const std::string& path : links_)
    ::unlink(full(path).c_str());
  links_.clear();
  std::error_code ignored;
  const std::set<std::string> folders = folders_;
  for (const std::string& path : folders) {
    note_all_touched(path);
    fs::remove_all(full(path), ignored);
  }
  folders_.clear();
  std::map<std::string, std::string> files;
  files.swap(files_);
  for (const auto& [path, content] : files)
    ::unlink(full(path).c_str());
  return "the user tidies up";
}

}  // namespace sluice::chaos

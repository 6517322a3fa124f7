#include "local/generations.hpp"

#include "base/text.hpp"

#include <climits>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace sluice::local {
namespace {

constexpr std::string_view kPartial = ".partial";
constexpr std::string_view kGone = ".gone";
constexpr const char* kNew = "new";
constexpr const char* kNextLink = "link";
constexpr const char* kMirror = "mirror";
constexpr const char* kPublished = "published";
constexpr std::size_t kSourceDigits = 8;

Error usage(std::string message) {
  return Error(ErrorKind::usage, std::move(message));
}

/// What has another form is nothing of ours.
std::optional<Generation> parse_name(std::string_view name) {
  Generation out;
  out.is_partial = name.ends_with(kPartial);
  if (out.is_partial) name.remove_suffix(kPartial.size());
  const std::size_t first = name.find('-');
  const std::size_t second = name.find('-', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto number = text::parse_uint(name.substr(0, first));
  const auto seq = text::parse_uint(name.substr(first + 1, second - first - 1));
  out.source = name.substr(second + 1);
  if (!number || !seq || *seq > INT64_MAX || out.source.size() != kSourceDigits)
    return std::nullopt;
  out.number = *number;
  out.seq = static_cast<std::int64_t>(*seq);
  return out;
}

/// Of readers, only those count that say so. A file system without locks has none of them.
bool is_held(const FileDescriptor& tree) {
  for (;;) {
    if (flock(tree.get(), LOCK_EX | LOCK_NB) == 0) return false;
    if (errno != EINTR) return errno == EWOULDBLOCK;
  }
}

Error no_hard_links(const std::string& shown, const std::string& dir, int error) {
  if (error == EXDEV)
    return usage(shown + " must be on the same file system, and in the same mount, as " +
                 text::quoted(dir) + ": choose a place beside that directory");
  return local_error("cannot make a hard link beside " + shown, error);
}

}  // namespace

std::string Generation::name() const {
  std::string out = std::to_string(number) + '-' + std::to_string(seq) + '-' + source;
  if (is_partial) out += kPartial;
  return out;
}

Generations::Generations(GenerationsOptions options, const Destination& destination)
    : options_(std::move(options)), destination_(destination) {}

Error Generations::failed(const char* what, const std::string& name, int error) const {
  if (error == ECANCELED) return Error(ErrorKind::cancelled, "stopped");
  return local_error(std::string(what) + " " + text::quoted(folder_name_ + "/" + name) +
                         " beside " + text::quoted(options_.link),
                     error);
}

Result<void> Generations::find_place() {
  const std::string& path = options_.link;
  const std::size_t slash = path.rfind('/');
  link_name_ = path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (link_name_.empty() || link_name_ == "." || link_name_ == ".." ||
      path.find('\0') != std::string::npos)
    return usage(text::quoted(path) +
                 " cannot be a link: --publish-link takes the name that it shall "
                 "have, for example /srv/photos.live");
  folder_name_ = "." + link_name_ + ".generations";
  std::string parent = path.substr(0, slash == std::string::npos ? 0 : slash + 1);
  if (parent.empty()) parent = ".";
  parent_ =
      FileDescriptor(open_again(AT_FDCWD, parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent_)
    return local_error("cannot open the directory of the link " + text::quoted(path), errno);
  if (const auto readable = read_link(); !readable) return readable.error();
  if (destination_.root() < 0) return {};
  const auto in_mirror = lies_in(parent_.get(), destination_.root());
  if (!in_mirror) return in_mirror.error();
  if (*in_mirror)
    return usage("the link " + text::quoted(path) + " lies in the mirror " +
                 text::quoted(destination_.dir()) + "; choose a place beside it");
  return {};
}

Result<void> Generations::check(const std::string& link, const Destination& destination) {
  return Generations(GenerationsOptions{link, GenerationsOptions::Sync::no}, destination)
      .find_place();
}

Result<std::unique_ptr<Generations>> Generations::open(GenerationsOptions options,
                                                       const Destination& destination) {
  std::unique_ptr<Generations> out(new Generations(std::move(options), destination));
  if (const auto found = out->find_place(); !found) return found.error();
  if (const auto made = out->make_folder(); !made) return made.error();
  if (const auto claimed = out->claim_folder(); !claimed) return claimed.error();
  return out;
}

Result<void> Generations::make_folder() {
  const CName name(folder_name_);
  if (mkdirat(parent_.get(), name.c_str(), 0777) != 0 && errno != EEXIST)
    return failed("cannot create", "", errno);
  folder_ = FileDescriptor(
      open_again(parent_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder_) return failed("cannot open", "", errno);
  const auto around_mirror = lies_in(destination_.root(), folder_.get());
  if (!around_mirror) return around_mirror.error();
  if (*around_mirror)
    return usage("the mirror " + text::quoted(destination_.dir()) + " lies in " +
                 text::quoted(folder_name_) + ", where " + text::quoted(options_.link) +
                 " has its trees");
  return {};
}

/// Two mirrors that publish to one PATH would take each other's trees for their own. The file that
/// both folders have shows whose it is, and that hard links are possible from one to the other.
Result<void> Generations::claim_folder() {
  const Beneath mirror = Beneath::at(destination_.root(), Resolver::kernel);
  const FileDescriptor own(mirror.open(kReservedName, O_PATH | O_DIRECTORY));
  if (!own)
    return local_error("cannot open .sluice in " + text::quoted(destination_.dir()), -own.get());
  const FileDescriptor file(open_again(
      own.get(), kPublished, O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  struct stat ours {
  }, theirs{};
  if (!file || fstat(file.get(), &ours) != 0)
    return local_error("cannot make .sluice/published in " + text::quoted(destination_.dir()),
                       errno);
  if (linkat(own.get(), kPublished, folder_.get(), kMirror, 0) == 0) return {};
  if (errno != EEXIST) return no_hard_links(text::quoted(options_.link), destination_.dir(), errno);
  if (const int error = Beneath::stat_at(folder_.get(), kMirror, theirs); error != 0)
    return failed("cannot look at", kMirror, -error);
  if (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino) return {};
  // The other name has gone, and with it the record of that mirror: nobody can go on with these.
  if (theirs.st_nlink == 1 && S_ISREG(theirs.st_mode)) {
    if (unlinkat(folder_.get(), kMirror, 0) != 0) return failed("cannot replace", kMirror, errno);
    if (linkat(own.get(), kPublished, folder_.get(), kMirror, 0) == 0) return {};
    return no_hard_links(text::quoted(options_.link), destination_.dir(), errno);
  }
  return usage(text::quoted(options_.link) +
               " is published by another mirror; choose another path, or remove the link and the "
               "folder " +
               text::quoted(folder_name_) + " beside it");
}

Result<std::optional<std::string>> Generations::read_link() const {
  using Target = std::optional<std::string>;
  char buffer[PATH_MAX];
  const CName name(link_name_);
  const ssize_t length = readlinkat(parent_.get(), name.c_str(), buffer, sizeof buffer);
  if (length < 0 && errno == ENOENT) return Target();
  if (length < 0 && errno != EINVAL)
    return local_error("cannot look at the link " + text::quoted(options_.link), errno);
  const std::string_view target(buffer, length < 0 ? 0 : static_cast<std::size_t>(length));
  const std::string ours = folder_name_ + "/";
  if (!target.starts_with(ours))
    return usage(text::quoted(options_.link) + " is " +
                 (length < 0 ? "no symbolic link" : "a symbolic link to " + text::quoted(target)) +
                 ", which is left alone; move it away, or choose another path");
  return Target(target.substr(ours.size()));
}

int Generations::open_tree(const std::string& name) const noexcept {
  const int fd =
      open_again(folder_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

Result<void> Generations::sync_names() {
  if (options_.sync == GenerationsOptions::Sync::no) return {};
  for (const FileDescriptor* directory : {&folder_, &parent_})
    if (fsync(directory->get()) != 0) return failed("cannot sync", "", errno);
  return {};
}

Result<void> Generations::rename(const std::string& from, const std::string& to) {
  if (renameat(folder_.get(), from.c_str(), folder_.get(), to.c_str()) != 0)
    return failed("cannot rename", from, errno);
  return sync_names();
}

Result<Generations::Found> Generations::tidy(const Stop& stop) {
  std::vector<std::string> leftovers;
  const int failure = each_entry(folder_.get(), ".", [&leftovers](int, const char* entry) {
    std::string name(entry);
    if (name == kNew || name == kNextLink || name.ends_with(kGone))
      leftovers.push_back(std::move(name));
    return 0;
  });
  if (failure != 0) return failed("cannot read", "", failure);
  for (const std::string& name : leftovers)
    if (const int error = remove_entry(folder_.get(), name.c_str(), stop); error != 0)
      return failed("cannot remove", name, error);
  return look();
}

Result<Generations::Found> Generations::look() const {
  Found found;
  const int failure = each_entry(folder_.get(), ".", [&found](int, const char* name) {
    if (auto tree = parse_name(name)) found.trees.push_back(*std::move(tree));
    return 0;
  });
  if (failure != 0) return failed("cannot read", "", failure);
  std::sort(found.trees.begin(), found.trees.end(),
            [](const Generation& a, const Generation& b) { return a.number < b.number; });
  const auto target = read_link();
  if (!target) return target.error();
  const auto current = std::find_if(
      found.trees.begin(), found.trees.end(),
      [&target](const Generation& tree) { return !tree.is_partial && tree.name() == *target; });
  if (current != found.trees.end()) found.current = *current;
  return found;
}

Result<GenerationTree> Generations::make() {
  if (mkdirat(folder_.get(), kNew, 0777) != 0) return failed("cannot create", kNew, errno);
  FileDescriptor root(open_tree(kNew));
  if (!root) return failed("cannot open", kNew, -root.get());
  return GenerationTree(std::move(root), kNew, destination_);
}

Result<std::optional<GenerationTree>> Generations::take(const Generation& generation) {
  using Taken = std::optional<GenerationTree>;
  const std::string name = generation.name();
  FileDescriptor root(open_tree(name));
  if (!root) return failed("cannot open", name, -root.get());
  if (is_held(root)) return Taken();
  if (generation.is_partial) return Taken(GenerationTree(std::move(root), name, destination_));
  Generation partial = generation;
  partial.is_partial = true;
  if (const auto renamed = rename(name, partial.name()); !renamed) return renamed.error();
  return Taken(GenerationTree(std::move(root), partial.name(), destination_));
}

Result<void> Generations::finish(const GenerationTree& tree, const Generation& generation) {
  return rename(tree.name(), generation.name());
}

Result<void> Generations::flip(const Generation& generation) {
  // Somebody may have put something else there since.
  if (const auto ours = read_link(); !ours) return Error(ErrorKind::local, ours.error().message);
  const std::string target = folder_name_ + "/" + generation.name();
  if (unlinkat(folder_.get(), kNextLink, 0) != 0 && errno != ENOENT)
    return failed("cannot replace", kNextLink, errno);
  if (symlinkat(target.c_str(), folder_.get(), kNextLink) != 0)
    return failed("cannot create", kNextLink, errno);
  const CName name(link_name_);
  if (renameat(folder_.get(), kNextLink, parent_.get(), name.c_str()) != 0)
    return local_error("cannot put the link " + text::quoted(options_.link) + " in place", errno);
  return sync_names();
}

Result<void> Generations::distrust(const Generation& generation) {
  Generation unknown = generation;
  unknown.seq = 0;
  return rename(generation.name(), unknown.name());
}

Result<bool> Generations::remove(const Generation& generation, const Stop& stop) {
  auto taken = take(generation);
  if (!taken) return taken.error();
  if (!*taken) return false;
  if (const auto removed = remove(std::move(**taken), stop); !removed) return removed.error();
  return true;
}

Result<void> Generations::remove(GenerationTree tree, const Stop& stop) {
  std::string name = tree.name();
  if (name != kNew) {
    name += kGone;
    if (const auto renamed = rename(tree.name(), name); !renamed) return renamed;
  }
  const int error = remove_entry(folder_.get(), name.c_str(), stop);
  return error == 0 ? Result<void>() : failed("cannot remove", name, error);
}

}  // namespace sluice::local

#include "small_mirror.hpp"

#include "mirror_check.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

namespace sluice::failures {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr const char* kAccessKey = "AKIDEXAMPLE";
constexpr const char* kSecretKey = "secret";
constexpr std::uint64_t kPartBytes = 512 << 10;
/// A pass takes some 20 ms; one that hangs never ends.
constexpr std::chrono::seconds kMostToEnd{60};

std::string name_of(std::uint8_t call) {
  constexpr const char* kNames[] = {"open", "read",   "write",  "splice",    "resize",
                                    "sync", "rename", "unlink", "directory", "link",
                                    "time", "look",   "any"};
  static_assert(std::size(kNames) == kCalls + 1);
  return kNames[call];
}

/// What is below the destination and should not be: folders without a file, and in our own folder
/// anything but the record, the lock and the staging folders.
std::vector<std::string> leftovers(const std::string& dir) {
  static const std::set<std::string> kOurs = {".sluice/record.db", ".sluice/record.db-wal",
                                              ".sluice/record.db-shm", ".sluice/lock",
                                              ".sluice/published"};
  std::set<std::string> folders, needed;
  std::vector<std::string> found;
  for (auto it = fs::recursive_directory_iterator(dir); it != fs::recursive_directory_iterator();
       ++it) {
    const std::string path = fs::relative(it->path(), dir).string();
    const bool is_ours = path.starts_with(".sluice");
    if (it->is_directory() && !it->is_symlink()) {
      if (!is_ours) folders.insert(path);
      continue;
    }
    if (is_ours && !kOurs.contains(path)) found.push_back("left behind: " + path);
    for (fs::path up = fs::path(path).parent_path(); !up.empty(); up = up.parent_path())
      needed.insert(up.string());
  }
  for (const std::string& folder : folders)
    if (!needed.contains(folder)) found.push_back("an empty folder: " + folder);
  return found;
}

}  // namespace

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string to_string(const Failure& failure) {
  const std::string error = failure.error == kKill ? "SIGKILL" : ::strerrorname_np(failure.error);
  return name_of(failure.call) + " " + error + " " + std::to_string(failure.at) +
         (failure.from_then_on ? "+" : "");
}

SmallMirror::SmallMirror() {
  const std::string control = home_ / "control";
  fake::write_file(control, std::string(sizeof(Control), '\0'));
  const int fd = ::open(control.c_str(), O_RDWR | O_CLOEXEC);
  void* mapped = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd < 0 || mapped == MAP_FAILED)
    throw std::system_error(errno, std::generic_category(), control);
  ::close(fd);
  control_ = static_cast<Control*>(mapped);
  root_.path().copy(control_->dir, sizeof control_->dir - 1);

  origin::ServerOptions options;
  options.credentials = {{kAccessKey, kSecretKey}};
  options.keep_requests = false;
  server_ = std::make_unique<origin::Server>(std::move(options));
  server_->add_bucket("photos", bucket_);
  server_->start();
  for (const char* key : {"a/same", "a/replaced", "touched", "large"})
    put(key, 1000, ++changes_);
}

SmallMirror::~SmallMirror() {
  ::munmap(control_, sizeof(Control));
}

void SmallMirror::put(const std::string& key, std::uint64_t size, std::uint64_t content_seed) {
  last_modified_ms_ += 1000;
  bucket_->put_generated(key, size, content_seed, last_modified_ms_);
  crash::KeyHistory& history = keys_[key];
  history.versions.push_back(*bucket_->find(key));
  history.present = true;
}

void SmallMirror::remove(const std::string& key) {
  if (!bucket_->remove(key)) return;
  keys_[key].present = false;
  keys_[key].may_be_absent = true;
}

void SmallMirror::remove_mirror() {
  fs::remove_all(dir());
  crash::mark_mirrored(keys_);
  for (auto& [key, history] : keys_)
    history.may_be_absent = true;
}

void SmallMirror::change_bucket() {
  fs::remove_all(backup_dir());
  const bool odd = ++changes_ % 2 != 0;
  put("a/replaced", 1000 + changes_ % 3, changes_);
  put("touched", 1000, 1);
  put("large", 2 * kPartBytes + 1000, changes_);
  put(odd ? "odd/deep/new" : "even/deep/new", changes_ % 4 == 0 ? 0 : 3000, changes_);
  remove(odd ? "even/deep/new" : "odd/deep/new");
  const std::string turn = "turn" + std::to_string(changes_ / 2);
  if (odd) {
    remove(turn);
    put(turn + "/inside", 500, changes_);
  } else {
    remove("turn" + std::to_string(changes_ / 2 - 1) + "/inside");
    put(turn, 500, changes_);
  }
}

Ran SmallMirror::sync(const Words& flags, const Failure& failure) {
  control_->call = failure.call;
  control_->error = failure.error;
  control_->at = failure.at;
  control_->from_then_on = failure.from_then_on;
  control_->failed = 0;
  for (auto& count : control_->counts)
    count = 0;

  testing::ProgramOptions options;
  options.path = variable("SLUICE_BINARY");
  options.arguments = {"sync",         "s3://photos",
                       dir(),          "--delete",
                       "--max-delete", "100%",
                       "--part-size",  std::to_string(kPartBytes),
                       "--threads",    "1"};
  options.arguments.insert(options.arguments.end(), flags.begin(), flags.end());
  options.environment = {{"PATH", "/usr/bin:/bin"},
                         {"HOME", home_.path()},
                         {"AWS_ACCESS_KEY_ID", kAccessKey},
                         {"AWS_SECRET_ACCESS_KEY", kSecretKey},
                         {"AWS_EC2_METADATA_DISABLED", "true"},
                         {"AWS_ENDPOINT_URL", server_->url()},
                         {"LD_PRELOAD", variable("FAILING_CALLS")},
                         {kControlVariable, home_ / "control"}};
  const std::uint64_t gets_before = server_->counts().of(origin::Operation::get);
  testing::Program program(std::move(options));
  Ran ran;
  ran.status = program.wait(kMostToEnd);
  ran.out = program.out();
  ran.err = program.err();
  ran.failed = control_->failed;
  for (std::size_t i = 0; i < ran.counts.size(); ++i)
    ran.counts[i] = control_->counts[i];
  ran.gets = server_->counts().of(origin::Operation::get) - gets_before;
  return ran;
}

/// Either what was shown before or, once the mirror is whole, the mirror.
std::vector<std::string> SmallMirror::check_shown() {
  if (!fs::is_symlink(link())) return {};
  std::map<std::string, std::string> now = fake::tree_of(link() + "/");
  if (now != shown_ && now != fake::tree_of(dir())) return {"readers are shown a mixture"};
  shown_ = std::move(now);
  return {};
}

std::vector<std::string> SmallMirror::check_trees() const {
  if (!fs::is_symlink(link())) return {};
  std::vector<std::string> found;
  if (shown_ != fake::tree_of(dir())) found.push_back("readers are not shown what the mirror is");
  std::size_t trees = 0;
  for (const auto& entry : fs::directory_iterator(root_ / ".live.generations")) {
    const std::string name = entry.path().filename();
    const bool is_tree = name.find('-') != std::string::npos && name.find('.') == std::string::npos;
    trees += is_tree ? 1 : 0;
    if (!is_tree && name != "mirror") found.push_back("left behind: " + name);
  }
  if (trees > 2) found.push_back(std::to_string(trees) + " trees");
  return found;
}

std::vector<std::string> SmallMirror::check_harm() {
  std::vector<std::string> found = crash::check_after_crash(dir(), keys_).violations;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(dir() + "/.sluice", none))
    if (entry.path().filename().string().find("damaged") != std::string::npos)
      found.push_back("the record was given up: " + entry.path().string());
  for (std::string& mixture : check_shown())
    found.push_back(std::move(mixture));
  return found;
}

std::size_t SmallMirror::staged_files() const {
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(dir() + "/.sluice/staging"))
    if (!entry.is_directory()) ++count;
  return count;
}

std::vector<std::string> SmallMirror::check_equal() {
  std::vector<std::string> found = crash::check_equal(dir(), keys_);
  for (std::string& left : leftovers(dir()))
    found.push_back(std::move(left));
  for (std::string& wrong : check_shown())
    found.push_back(std::move(wrong));
  for (std::string& wrong : check_trees())
    found.push_back(std::move(wrong));
  if (found.empty()) crash::mark_mirrored(keys_);
  return found;
}

}  // namespace sluice::failures

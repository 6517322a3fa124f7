#include "trial.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>
#include <thread>

namespace sluice::crash {

using namespace std::chrono_literals;
using testing::Program;
using testing::ProgramOptions;

namespace {

constexpr const char* kAccessKey = "AKIDEXAMPLE";
constexpr const char* kSecretKey = "secret";
constexpr unsigned kCyclesOfAMirror = 12;
constexpr std::chrono::microseconds kPause{200};  // between two looks at a running pass

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::chrono::microseconds smoothed(std::chrono::microseconds mean, std::chrono::microseconds now) {
  return (mean * 3 + now) / 4;
}

}  // namespace

std::uint64_t seed_of_run() {
  const std::string given = variable("SLUICE_CRASH_SEED");
  return given.empty() ? std::random_device()() : std::stoull(given);
}

unsigned cycles_of_run(unsigned usual) {
  const std::string given = variable("SLUICE_CRASH_CYCLES");
  return given.empty() ? usual : static_cast<unsigned>(std::stoul(given));
}

Trial::Trial(std::string root, std::uint64_t seed)
    : root_(std::move(root)), random_(seed), changing_(seed + 1) {
  origin::ServerOptions options;
  options.credentials = {{kAccessKey, kSecretKey}};
  options.keep_requests = false;
  options.on_request = [this](const origin::RequestRecord& request) {
    if (request.operation != origin::Operation::get) return;
    ++answers_;
    last_answer_ = Clock::now().time_since_epoch().count();
  };
  server_ = std::make_unique<origin::Server>(std::move(options));
  server_->add_bucket("photos", changing_.bucket());
  server_->start();
  begin_mirror();
}

void Trial::begin_mirror() {
  if (!dir_.empty()) std::filesystem::remove_all(dir_);
  dir_ = root_ + "/mirror" + std::to_string(mirrors_++);
  completed_ = false;
  changing_.mark_empty_mirror();
}

void Trial::begin_cycle() {
  if (draw(kCyclesOfAMirror) == 0) begin_mirror();
  changing_.change();
  answers_ = 0;
}

ProgramOptions Trial::sync_options(const Words& flags) const {
  ProgramOptions options;
  options.path = variable("SLUICE_BINARY");
  options.arguments = {
      "sync",         "s3://photos", dir_,          "--delete",
      "--max-delete", "100%",        "--part-size", std::to_string(ChangingBucket::kPartBytes)};
  options.arguments.insert(options.arguments.end(), flags.begin(), flags.end());
  options.environment = {{"PATH", "/usr/bin:/bin"},
                         {"HOME", home_.path()},
                         {"AWS_ACCESS_KEY_ID", kAccessKey},
                         {"AWS_SECRET_ACCESS_KEY", kSecretKey},
                         {"AWS_EC2_METADATA_DISABLED", "true"},
                         {"AWS_ENDPOINT_URL", server_->url()}};
  return options;
}

std::unique_ptr<Program> Trial::start(Commits commits, const Words& flags) {
  ProgramOptions options = sync_options(flags);
  if (commits == Commits::also_often && draw(2) == 0) {
    options.path = variable("GROUPED_SYNC");
    options.arguments = {server_->url(),
                         "photos",
                         dir_,
                         std::to_string(ChangingBucket::kPartBytes),
                         std::to_string(2 + draw(40)),
                         draw(3) == 0 ? "files" : "full"};
  }
  return std::make_unique<Program>(std::move(options));
}

Trial::Moment Trial::draw_moment() {
  Moment moment;
  const std::uint64_t expected = changing_.expected_gets();
  switch (draw(5)) {
    case 0:
      moment.delay = pass_ * draw(1200) / 1000;
      break;
    case 1:
      moment.answers = 1 + draw(std::max<std::uint64_t>(expected, 1));
      moment.delay = 10us * draw(1000);
      break;
    case 2:
      moment.answers = expected;
      moment.delay = quiet_ * draw(1200) / 1000;
      break;
    default:
      moment.visible = changing_.draw_changed(draw(1000));
      moment.delay = draw(2) == 0 ? 1us * draw(2000) : quiet_ * draw(1000) / 1000;
  }
  return moment;
}

bool Trial::has_come(const Moment& moment) const {
  if (answers_ < moment.answers) return false;
  if (!moment.visible) return true;
  struct stat st {};
  const origin::ObjectInfo& info = changing_.keys().at(*moment.visible).versions.back().info;
  return ::stat((dir_ + '/' + *moment.visible).c_str(), &st) == 0 &&
         st.st_mtim.tv_sec == info.modified_ms / 1000;
}

bool Trial::wait_for_moment(Program& program) {
  const Moment moment = draw_moment();
  changed_meanwhile_ = draw(4) == 0;
  const auto runs = [&program] { return !program.wait(0ms); };
  if (changed_meanwhile_) {
    std::this_thread::sleep_for(pass_ / 4);
    for (int i = 0; i < 5; ++i)
      changing_.replace_one();
  }
  while (!has_come(moment)) {
    if (!runs()) return false;
    std::this_thread::sleep_for(kPause);
  }
  const auto at = Clock::now() + moment.delay;
  while (Clock::now() < at) {
    if (!runs()) return false;
    std::this_thread::sleep_for(std::min<Clock::duration>(kPause, at - Clock::now()));
  }
  return runs();
}

std::vector<std::string> Trial::check_crashed(std::optional<int> status) {
  if (status == 0 && !changed_meanwhile_) {
    // It had ended: the mirror is equal to the bucket, and stays so.
    changing_.mark_mirrored();
    completed_ = true;
  }
  Findings findings = check_after_crash(dir_, changing_.keys());
  if (completed_ && !std::filesystem::exists(dir_ + "/.sluice/record.db"))
    findings.violations.push_back("the record is gone");
  if (status && *status != 0)
    findings.violations.push_back("exit status " + std::to_string(*status) + " without a crash");
  if (status) return findings.violations;
  ++interrupted_;
  if (findings.files_new == 0)
    ++before_any_;
  else if (findings.files_old > 0)
    ++between_;
  else if (findings.rows_old > 0)
    ++rows_behind_;
  else
    ++all_done_;
  return findings.violations;
}

std::vector<std::string> Trial::settle() {
  answers_ = 0;
  const auto started = Clock::now();
  Program program(sync_options({}));
  const auto status = program.wait(60s);
  const auto ended = Clock::now();
  if (status != 0)
    return {"the next pass ended with " + std::to_string(status.value_or(-1)) + ": " +
            program.err()};
  if (answers_ > 0) {
    const Clock::time_point last{Clock::duration(last_answer_.load())};
    pass_ = smoothed(pass_, std::chrono::duration_cast<std::chrono::microseconds>(ended - started));
    quiet_ = smoothed(quiet_, std::chrono::duration_cast<std::chrono::microseconds>(ended - last));
  }
  changing_.mark_mirrored();
  completed_ = true;
  return check_equal(dir_, changing_.keys());
}

std::string Trial::tally() const {
  return std::to_string(interrupted_) + " passes cut off: " + std::to_string(before_any_) +
         " with no new file, " + std::to_string(between_) + " with some, " +
         std::to_string(rows_behind_) + " with all but not all recorded, " +
         std::to_string(all_done_) + " with all recorded";
}

}  // namespace sluice::crash

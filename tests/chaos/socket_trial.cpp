#include "socket_trial.hpp"

#include "command.hpp"
#include "socket_faults.hpp"

#include <csignal>
#include <cstdlib>
#include <thread>

namespace sluice::chaos {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kPartBytes = 64 << 10;  // the least that the program takes

origin::ObjectOptions options_of(const Version& version) {
  origin::ObjectOptions options;
  if (version.evidence != Evidence::md5) options.etag = '"' + version.etag + '"';
  if (version.evidence == Evidence::checksum)
    options.checksum = version.modified_ms % 2000 == 0 ? origin::ChecksumAlgorithm::crc64nvme
                                                       : origin::ChecksumAlgorithm::sha256;
  if (version.archived) options.storage_class = "GLACIER";
  return options;
}

}  // namespace

SocketTrial::SocketTrial(std::uint64_t seed)
    : random_(seed), dir_(root_ / "mirror"), outside_(root_ / "outside") {
  fake::write_file(outside_ + "/canary", "sings");
  user_ = std::make_unique<User>(dir_, outside_, random_);
  WorldOptions world;
  if (random_.chance(30)) world.prefix = "p/";
  world.part_bytes = kPartBytes;
  world.most_keys = 14;
  world.without_etags = false;
  flips_ = random_.chance(50);
  world.unprovable = !flips_;  // or nobody could tell
  world.time_grain = 1000;     // as HTTP dates
  world_ = std::make_unique<World>(world, random_);
  world_->listen([this](const std::string& key, const Version* now) {
    facts_.bucket_changed = true;
    if (now == nullptr) {
      bucket_->remove(key);
      absent_.insert(key);
      return;
    }
    facts_.present.insert(key);
    bucket_->put(key, now->content, now->modified_ms, options_of(*now));
  });
  options_.dir = dir_;
  options_.allow_empty_source = true;  // what was served is not known, only what was there
  options_.source.bucket = "photos";
  options_.source.prefix = world.prefix;
  options_.tuning.part_bytes = kPartBytes;
  start_origin();
}

void SocketTrial::start_origin() {
  origin::ServerOptions options;
  options.credentials = {{kAccessKey, kSecretKey}};
  options.page_size = random_.one_of<std::size_t>({1, 3, 1000});
  options.max_requests_per_connection = random_.chance(20) ? random_.between(1, 5) : 0;
  options.keep_requests = false;
  server_ = std::make_unique<origin::Server>(std::move(options));
  server_->add_bucket("photos", bucket_);
  server_->start();
}

void SocketTrial::violated(const std::string& what) {
  report_.violations.push_back(what);
  say("VIOLATION: " + what);
}

void SocketTrial::draw_options() {
  options_.tuning.list_concurrency = static_cast<unsigned>(random_.between(1, 12));
  options_.tuning.transfers = static_cast<unsigned>(random_.between(1, 8));
  options_.tuning.threads = static_cast<unsigned>(random_.between(1, 2));
  options_.delete_extraneous = random_.chance(70);
  options_.delete_confirm = MirrorOptions::DeleteConfirm::get;
  options_.max_delete.files.reset();
  if (random_.chance(15)) options_.max_delete.files = random_.below(6);
}

testing::ProgramOptions SocketTrial::command() const {
  std::vector<std::string> words = {"sync",
                                    "s3://photos/" + options_.source.prefix,
                                    dir_,
                                    "--json",
                                    "-v",
                                    "--part-size",
                                    std::to_string(kPartBytes),
                                    "--transfers",
                                    std::to_string(options_.tuning.transfers),
                                    "--list-concurrency",
                                    std::to_string(options_.tuning.list_concurrency),
                                    "--threads",
                                    std::to_string(options_.tuning.threads),
                                    "--max-attempts",
                                    "4",
                                    "--allow-empty-source"};
  if (options_.delete_extraneous) words.emplace_back("--delete");
  if (options_.max_delete.files) {
    words.emplace_back("--max-delete");
    words.push_back(std::to_string(*options_.max_delete.files));
  }
  return command_of(std::move(words), root_.path(), server_->url());
}

void SocketTrial::pass(const Plan& plan) {
  using Clock = std::chrono::steady_clock;
  const Tree before = read_tree(dir_);
  facts_ = {};
  facts_.present = world_->present();
  facts_.list_lied = list_lies_;
  absent_.clear();
  for (const auto& [key, history] : world_->keys())
    if (!history.present) absent_.insert(key);

  const auto started = Clock::now();
  testing::Program program(command());
  if (plan.bucket_changes) {
    std::this_thread::sleep_for(plan.after / 2);
    for (int i = 0; i < 3; ++i)
      say("  meanwhile " + world_->change());
  }
  if (plan.signal != 0) {
    std::this_thread::sleep_until(started + plan.after);
    program.signal(plan.signal);
  }
  const auto status = program.wait(90s);
  if (!status) return violated("the pass does not come to an end");
  if (plan.signal == 0)
    usual_ =
        (usual_ + std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - started)) /
        2;
  ++report_.passes;
  report_.killed += *status == 128 + SIGKILL ? 1 : 0;
  report_.terminated += *status == 128 + SIGTERM ? 1 : 0;
  say("status " + std::to_string(*status));
  for (const std::string& text : {program.out(), program.err()})
    for (const char* secret : {kSecretKey, "Signature="})
      if (text.find(secret) != std::string::npos) violated("a secret was printed");
  if (const auto refused = server_->counts().refused_signatures(); refused > 0)
    violated(std::to_string(refused) + " requests were signed wrongly");
  judge(plan, before, *status, program.out());
}

/// By the events, with escapes in them as they are: enough for what is asked, where they are below.
void SocketTrial::note_deleted(const std::string& out) {
  constexpr std::string_view kBegin = "\"what\":\"deleted\",\"key\":\"";
  for (std::size_t at = out.find(kBegin); at != std::string::npos; at = out.find(kBegin, at)) {
    at += kBegin.size();
    facts_.told[What::deleted].insert(out.substr(at, out.find('"', at) - at));
  }
}

void SocketTrial::judge(const Plan& plan, const Tree& before, int status, const std::string& out) {
  // A file may go only if its key was absent at some moment; a folder may come only for a key that
  // was there at some moment.
  Listing throughout;
  Listing ever;
  throughout.complete = true;
  for (const std::string& key : facts_.present) {
    ever.keys.insert(key);
    if (!absent_.contains(key)) throughout.keys.insert(key);
  }
  facts_.listings = {throughout, ever};
  facts_.proved_gone = absent_;
  for (const auto& [what, text] : {std::pair(What::refused, "\"what\":\"refused\""),
                                   std::pair(What::local_kept, "\"what\":\"local-kept\"")})
    if (out.find(text) != std::string::npos) facts_.told[what].insert("");
  facts_.told[What::fetched] = facts_.present;
  note_deleted(out);

  const Tree after = read_tree(dir_);
  RecordRows record = read_record(dir_, root_ / "copy");
  // A first run that is killed may not have come to make the tables.
  const bool first_was_killed = status == 128 + SIGKILL && !has_record_;
  if (first_was_killed) record.failure.reset();
  has_record_ = has_record_ || !first_was_killed;
  constexpr int kIncomplete = 1;
  constexpr int kGuard = 7;
  const bool finished = status == 0 || status == kIncomplete || status == kGuard;
  PassView view{.options = options_,
                .world = *world_,
                .user = *user_,
                .before = before,
                .after = after,
                .facts = facts_,
                .status = status,
                .record = record,
                .unfinished = !finished};
  std::vector<Violations> all = {check_deletions(view), check_files(view)};
  if (finished) all.push_back(check_status(view, plan.weather));
  all.push_back(check_record(view));
  for (const Violations& violations : all)
    for (const std::string& violation : violations)
      violated(violation);
  if (plan.weather == Weather::fair && !finished)
    violated("status " + std::to_string(status) + " in fair weather: " + out.substr(0, 2000));
  if (fake::tree_of(outside_) != std::map<std::string, std::string>{{"canary", "sings"}})
    violated("something was written outside the mirror");
}

void SocketTrial::step() {
  for (std::uint64_t left = random_.below(5); left > 0; --left)
    say(world_->change());
  if (!read_tree(dir_).empty())
    for (std::uint64_t left = random_.below(3); left > 0; --left)
      say(user_->act(User::Deeds::any,
                     [this] { return world_->draw_key().substr(world_->prefix().size()); }));
  draw_options();
  Plan plan;
  plan.weather = Weather::foul;
  list_lies_ = false;
  if (random_.chance(85)) {
    DrawnRules drawn = draw_rules(random_, flips_);
    say("faults:" + drawn.said);
    list_lies_ = drawn.list_lies;
    server_->set_faults(std::move(drawn.rules), random_.bits());
  }
  const std::uint64_t kind = random_.below(100);
  if (kind < 25)
    plan.signal = SIGKILL;
  else if (kind < 40)
    plan.signal = SIGTERM;
  plan.after = usual_ * random_.below(1200) / 1000;
  plan.bucket_changes = random_.chance(20);
  pass(plan);
  server_->clear_faults();
  list_lies_ = false;
}

void SocketTrial::settle() {
  say("---- the faults stop");
  if (random_.chance(60)) say(user_->tidy_up());
  draw_options();
  pass({});
  pass({});
  if (!report_.violations.empty()) return;
  say("---- all must be quiet");
  const Tree before = read_tree(dir_);
  const auto asked = [this] {
    const auto counts = server_->counts();
    return counts.of(origin::Operation::get) + counts.of(origin::Operation::head);
  };
  const auto asked_before = asked();
  pass({});
  if (asked() != asked_before) violated("requests in a quiet pass");
  if (read_tree(dir_) != before) violated("a quiet pass changed the mirror");
  if (const auto left = staged_files(dir_); !left.empty())
    violated("left in staging: " + left.front());
  const RecordRows record = read_record(dir_, root_ / "copy");
  if (record.partials > 0 || !record.pending.empty()) violated("something is left in the record");
}

SocketTrial::Report SocketTrial::run() {
  say(world_->populate());
  const std::uint64_t steps = random_.between(2, 5);
  for (std::uint64_t i = 0; i < steps && report_.violations.empty(); ++i) {
    say("---- step " + std::to_string(i));
    step();
  }
  if (report_.violations.empty()) settle();
  return std::move(report_);
}

}  // namespace sluice::chaos

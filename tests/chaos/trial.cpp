#include "trial.hpp"

#include "crypto/digest.hpp"
#include "local_faults.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace sluice::chaos {

namespace fs = std::filesystem;

namespace {

fake::Bucket::Object object_of(const Version& version) {
  fake::Bucket::Object object;
  object.content = version.content;
  object.version = {version.etag, version.content.size(), version.modified_ms};
  object.opaque_etag = version.evidence != Evidence::md5;
  if (version.archived) object.storage = StorageClass::archived;
  if (version.evidence != Evidence::checksum) return object;
  store::Checksum checksum;
  const bool crc = version.modified_ms % 2 == 0;
  checksum.digest.kind = crc ? DigestKind::crc64nvme : DigestKind::sha256;
  checksum.digest.bytes =
      crypto::digest(crc ? crypto::Algorithm::crc64nvme : crypto::Algorithm::sha256,
                     crypto::bytes_of(version.content));
  object.checksums.push_back(std::move(checksum));
  return object;
}

async::Task<void> one_pass(mirror::Engine& engine, mirror::Pass& pass, PassSummary& summary) {
  summary = co_await mirror::run_pass(engine, pass);
}

}  // namespace

Trial::Trial(std::uint64_t seed)
    : random_(seed),
      dir_(root_ / "mirror"),
      outside_(root_ / "outside"),
      crash_(dir_, root_ / "aside") {
  fake::write_file(outside_ + "/canary", "sings");
  user_ = std::make_unique<User>(dir_, outside_, random_);
  draw_bucket_options();
}

void Trial::violated(const std::string& what) {
  report_.violations.push_back(what);
  say("VIOLATION: " + what);
}

void Trial::draw_bucket_options() {
  WorldOptions world;
  if (random_.chance(25)) world.prefix = "p/";
  options_.tuning.part_bytes = kLeastPartBytes * random_.between(1, 6);
  world.part_bytes = options_.tuning.part_bytes;
  world.most_keys = random_.chance(5) ? 150 : random_.between(4, 24);
  world_ = std::make_unique<World>(world, random_);
  world_->listen([this](const std::string& key, const Version* now) {
    if (now != nullptr)
      bucket_->put_object(key, object_of(*now));
    else
      bucket_->remove(key);
    if (faults_ != nullptr) faults_->note_change(key, now != nullptr);
  });
  options_.dir = dir_;
  options_.source.bucket = "b";
  options_.source.prefix = world.prefix;
  if (random_.chance(15)) options_.verify = MirrorOptions::Verify::strict;
  if (random_.chance(10)) options_.verify = MirrorOptions::Verify::length;
  if (random_.chance(15)) options_.local_changes = MirrorOptions::LocalChanges::keep;
}

/// What may differ from pass to pass: the command line is typed anew each time.
void Trial::draw_options() {
  if (random_.chance(20)) options_.tuning.part_bytes = kLeastPartBytes * random_.between(1, 6);
  options_.tuning.list_concurrency = static_cast<unsigned>(random_.between(1, 12));
  options_.tuning.transfers = static_cast<unsigned>(random_.between(1, 12));
  options_.tuning.max_attempts = static_cast<unsigned>(random_.between(2, 10));
  options_.tuning.group_age = std::chrono::milliseconds(random_.one_of<int>({1, 5, 50, 1000}));
  options_.tuning.memory_bytes = random_.one_of<std::uint64_t>({256 << 10, 1 << 20, 64 << 20});
  shards_ = static_cast<unsigned>(random_.between(1, 3));
  bucket_->set_page_keys(random_.one_of<unsigned>({1, 2, 3, 7, 1000}));
  options_.durability =
      random_.one_of({MirrorOptions::Durability::full, MirrorOptions::Durability::full,
                      MirrorOptions::Durability::each_file, MirrorOptions::Durability::none});
  options_.compare =
      random_.chance(20) ? MirrorOptions::Compare::checksum : MirrorOptions::Compare::record;
  if (random_.chance(5)) options_.compare = MirrorOptions::Compare::size_only;
  options_.delete_extraneous = random_.chance(70);
  options_.delete_confirm =
      random_.chance(80) ? MirrorOptions::DeleteConfirm::get : MirrorOptions::DeleteConfirm::none;
  options_.allow_empty_source = random_.chance(20);
  options_.max_delete.files.reset();
  if (random_.chance(20)) options_.max_delete.files = random_.below(6);
  options_.dry_run = random_.chance(6);
  options_.backup_dir = random_.chance(20) ? std::string(root_ / "backup") : std::string();
}

/// Patterns that say something about the keys there are.
void Trial::draw_filters() {
  options_.filters.clear();
  options_.delete_excluded = random_.chance(20);
  if (random_.chance(75)) return;
  const std::uint64_t rules = random_.between(1, 3);
  for (std::uint64_t i = 0; i < rules; ++i) {
    std::string key = world_->draw_key().substr(world_->prefix().size());
    // What means something in a pattern, and what one of the two matchers might read as text.
    for (char& c : key)
      if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '/') c = '?';
    const std::size_t cut = random_.below(key.size() + 1);
    const bool include = random_.chance(40);
    FilterRule rule;
    rule.kind = include ? FilterRule::Kind::include : FilterRule::Kind::exclude;
    rule.pattern = random_.one_of<std::string>(
        {key, key.substr(0, cut) + "*", "*" + key.substr(cut), "*/*", "*"});
    say((include ? "--include '" : "--exclude '") + rule.pattern + "'");
    options_.filters.push_back(std::move(rule));
  }
}

Trial::Plan Trial::draw_plan() {
  Plan plan;
  if (random_.chance(15)) return plan;
  plan.weather = Weather::foul;
  plan.faults.list_percent = random_.one_of<unsigned>({0, 0, 10, 30});
  plan.faults.get_percent = random_.one_of<unsigned>({0, 5, 15, 30});
  plan.faults.other_percent = random_.one_of<unsigned>({0, 10, 30});
  plan.faults.change_percent = random_.one_of<unsigned>({0, 0, 3, 10});
  plan.may_stop = random_.chance(20);
  plan.may_crash = random_.chance(35);
  plan.may_be_disturbed = random_.chance(15);
  plan.local_faults = random_.chance(8);
  // The limits would be the user's, too.
  if (plan.local_faults) plan.may_stop = plan.may_crash = plan.may_be_disturbed = false;
  return plan;
}

void Trial::plan_moments(const Plan& plan, Faults& faults) {
  const auto moment = [this] { return 1 + random_.below(usual_moments_ * 5 / 4); };
  const auto stop = [this, &faults] {
    if (!at_crash_) at_crash_ = read_tree(dir_);
    faults.facts.stopped = true;
    if (pass_ != nullptr) pass_->interrupt();
  };
  if (plan.may_stop) {
    faults.at_moment(moment(), [this, stop] {
      say("  STOP");
      ++report_.stops;
      stop();
    });
  }
  if (plan.may_crash) {
    faults.at_moment(moment(), [this, stop] {
      say("  CRASH");
      crash_.keep();
      stop();
    });
  }
  if (!plan.may_be_disturbed) return;
  for (int deeds = 0; deeds < 3; ++deeds) {
    faults.at_moment(moment(), [this, &faults] {
      // After a stop the tree is looked at: nobody else is to change it.
      if (faults.facts.stopped) return;
      faults.facts.user_acted = true;
      say("  " + user_->act(User::Deeds::on_files, [this] { return world_->draw_key(); }));
    });
  }
}

PassSummary Trial::run_engine(const Plan& plan, Faults& faults) {
  PassSummary summary;
  mirror::Counters counters;
  Witness witness(faults, report_.trace);
  const auto runtime =
      async::make_deterministic_runtime({.seed = random_.bits(), .data_shards = shards_});
  record::Source source;
  source.endpoint_host = "fake";
  source.bucket = "b";
  source.prefix = options_.source.prefix;
  const mirror::StoreFactory stores = [&](async::Runtime& r, const async::Executor&) {
    return Result<std::unique_ptr<store::ObjectStore>>(
        faults.make_store(bucket_->make_store(r), r));
  };
  std::optional<LocalFaults> local;
  if (plan.local_faults) local.emplace(random_);
  record_was_harmed_ = record_was_harmed_ || plan.local_faults;
  faults.facts.local_fault = plan.local_faults;
  try {
    auto engine = mirror::Engine::open(options_, witness, *runtime, counters, source, stores);
    if (!engine) {
      summary.failure = engine.error();
      return summary;
    }
    mirror::Pass pass(**engine);
    pass_ = &pass;
    if (faults.facts.stopped) pass.interrupt();
    runtime->run([&] { return one_pass(**engine, pass, summary); });
  } catch (const std::exception& error) {
    violated(std::string("thrown: ") + error.what());
  }
  pass_ = nullptr;
  return summary;
}

void Trial::run_passes(const Plan& plan, unsigned passes) {
  for (unsigned i = 0; i < passes; ++i) {
    const Tree before = read_tree(dir_);
    FaultOptions fault_options = plan.faults;
    fault_options.flips = options_.verify != MirrorOptions::Verify::length;
    Faults faults(fault_options, random_, *world_, report_.trace);
    // What was flipped before a crash may be taken for good until the whole is looked at.
    for (const std::string& key : flipped_)
      ++faults.facts.traffic[key].lost;
    faults_ = &faults;
    at_crash_.reset();
    plan_moments(plan, faults);
    const PassSummary summary = run_engine(plan, faults);
    faults_ = nullptr;
    ++report_.passes;
    report_.faults += faults.facts.faults;
    for (const auto& [key, cost] : faults.facts.traffic)
      if (cost.flipped) flipped_.insert(key);
    if (faults.moments() > 10) usual_moments_ = faults.moments();
    check(plan, before, faults, summary);
  }
}

void Trial::check(const Plan& plan, const Tree& before, const Faults& faults,
                  const PassSummary& summary) {
  const bool crashed = crash_.is_kept();
  if (crashed) {
    ++report_.crashes;
    if (!options_.dry_run) crash_.put_back();
  }
  crash_.forget();
  const auto status = static_cast<int>(exit_status(summary));
  say("status " + std::to_string(status) +
      (summary.failure ? ": " + summary.failure->message : "") +
      (summary.guard ? ": " + summary.guard->message : ""));
  const Tree after = read_tree(dir_);
  // A file that was renamed when the stop came may still be told of; nothing moves after it.
  if (at_crash_ && *at_crash_ != after) violated("the tree changed after the stop");
  const RecordRows record = read_record(dir_, root_ / "copy");
  const bool failed = summary.failure || summary.interrupted || summary.local_failures > 0;
  PassView view{.options = options_,
                .world = *world_,
                .user = *user_,
                .before = before,
                .after = after,
                .facts = faults.facts,
                .status = status,
                .record = record,
                .unfinished = crashed || failed || record_behind_ || options_.dry_run ||
                              faults.facts.list_lied,
                .record_was_harmed = record_was_harmed_};
  // The record comes last: where it agrees again, what the user did before is forgiven.
  const Tree kept = fs::exists(root_ / "backup") ? read_tree(root_ / "backup") : Tree();
  std::vector<Violations> all = {check_deletions(view), check_backup(view, kept), check_files(view),
                                 check_cost(view)};
  if (!crashed) all.push_back(check_status(view, plan.weather));
  all.push_back(check_record(view));
  for (const Violations& violations : all)
    for (const std::string& violation : violations)
      violated(violation);
  if (!view.unfinished && !staged_files(dir_).empty() && record.partials == 0)
    violated("left in staging: " + staged_files(dir_).front());
  if (!failed && !crashed && !options_.dry_run && !faults.facts.list_lied) record_behind_ = false;
  if (fake::tree_of(outside_) != std::map<std::string, std::string>{{"canary", "sings"}})
    violated("something was written outside the mirror");
}

void Trial::change_things() {
  const std::uint64_t changes = random_.below(5);
  for (std::uint64_t i = 0; i < changes; ++i)
    say(world_->change());
  if (!fs::exists(dir_)) return;
  const std::uint64_t deeds = random_.chance(50) ? random_.below(4) : 0;
  for (std::uint64_t i = 0; i < deeds; ++i)
    say(user_->act(User::Deeds::any, [this] {
      const std::string key = world_->draw_key();
      return key.substr(world_->prefix().size());
    }));
  if (random_.chance(8)) harm_record();
}

/// It is lost, torn, or put back from a backup.
void Trial::harm_record() {
  const std::string record = dir_ + "/.sluice/record.db";
  const std::string backup = root_ / "backup.db";
  if (!fs::exists(record)) return;
  fs::remove(record + "-shm");
  record_was_harmed_ = true;
  switch (random_.below(4)) {
    case 0:
      say("the record is lost");
      fs::remove(record);
      fs::remove(record + "-wal");
      break;
    case 1:
      say("the record is torn");
      fs::resize_file(record, fs::file_size(record) / 2);
      fs::remove(record + "-wal");
      break;
    case 2:
      if (!fs::exists(backup)) break;
      say("an older record is put back");
      fs::remove(record + "-wal");
      fs::copy_file(backup, record, fs::copy_options::overwrite_existing);
      record_behind_ = true;
      break;
    default:
      if (fs::exists(record + "-wal")) break;
      say("the record is backed up");
      fs::copy_file(record, backup, fs::copy_options::overwrite_existing);
  }
}

void Trial::step() {
  change_things();
  draw_options();
  draw_filters();
  const Plan plan = draw_plan();
  run_passes(plan, 1);
}

Report Trial::run() {
  try {
    say(world_->populate());
    const std::uint64_t steps = random_.between(3, 9);
    for (std::uint64_t i = 0; i < steps && report_.violations.empty(); ++i) {
      say("---- step " + std::to_string(i));
      step();
    }
    if (report_.violations.empty()) settle();
  } catch (const std::exception& error) {
    violated(std::string("thrown: ") + error.what());
  }
  // Where the temporary directory is has nothing to do with the seed.
  for (Trace* lines : {&report_.trace, &report_.violations})
    for (std::string& line : *lines)
      if (const std::size_t at = line.find(root_.path()); at != std::string::npos)
        line.erase(at, root_.path().size());
  return std::move(report_);
}

/// The faults stop. A folder that has to become a file takes two passes: it goes in the first.
void Trial::settle() {
  say("---- the faults stop");
  if (random_.chance(60)) say(user_->tidy_up());
  draw_options();
  draw_filters();
  options_.dry_run = false;
  const Plan fair;
  run_passes(fair, 2);
  if (report_.violations.empty()) check_quiet();
  if (report_.violations.empty() && random_.chance(50)) check_fresh_mirror();
}

/// Nothing is left over, and one more pass neither asks for an object nor writes.
void Trial::check_quiet() {
  say("---- all must be quiet");
  const Tree before = read_tree(dir_);
  bucket_->reset_counts();
  run_passes(Plan{}, 1);
  const auto gets =
      bucket_->count(fake::Bucket::Operation::get) + bucket_->count(fake::Bucket::Operation::head);
  if (gets > 0 && !may_ask_again()) violated(std::to_string(gets) + " requests in a quiet pass");
  if (read_tree(dir_) != before) violated("a quiet pass changed the mirror");
  if (const auto left = staged_files(dir_); !left.empty())
    violated("left in staging: " + left.front());
  const RecordRows record = read_record(dir_, root_ / "copy");
  if (record.partials > 0) violated("a partial download is still recorded");
  if (!record.pending.empty()) violated("a row is still pending");
}

bool Trial::may_ask_again() const {
  // A file that is kept where a folder is needed: what is below it is asked for in vain.
  if (options_.local_changes == MirrorOptions::LocalChanges::keep) return true;
  if (options_.compare == MirrorOptions::Compare::size_only) return true;
  // Nor is what is below a foreign file in the place of a key that cannot be fetched.
  const auto present = world_->present();
  for (const std::string& key : present) {
    const auto below = present.lower_bound(key + "/");
    if (world_->find(key)->now().archived && below != present.end() &&
        below->starts_with(key + "/"))
      return true;
  }
  if (options_.verify != MirrorOptions::Verify::strict) return false;
  const auto& keys = world_->keys();
  return std::any_of(keys.begin(), keys.end(), [](const auto& entry) {
    return entry.second.present && !entry.second.now().is_provable() &&
           !entry.second.now().content.empty();
  });
}

/// Another mirror of the same bucket, made in another order, in other pieces: the same files.
void Trial::check_fresh_mirror() {
  say("---- fresh mirrors");
  std::optional<Tree> first;
  std::optional<std::set<std::string>> first_refused;
  std::set<std::string> refused_;
  for (int i = 0; i < 2; ++i) {
    draw_options();
    options_.dry_run = false;
    options_.dir = root_ / ("fresh" + std::to_string(i));
    bucket_->shuffle_listing(i > 0 && random_.chance(50));
    Faults faults({}, random_, *world_, report_.trace);
    const PassSummary summary = run_engine(Plan{}, faults);
    Tree tree = read_tree(options_.dir);
    for (auto& [path, entry] : tree)
      entry.inode = 0;
    std::set<std::string> refused = faults.facts.told[What::refused];
    if (i == 0) refused_ = refused;
    for (const std::string& key : refused_)
      if (!refused.contains(key)) say("only first refused " + shown(key));
    for (const std::string& key : refused)
      if (!refused_.contains(key)) say("only second refused " + shown(key));
    say("status " + std::to_string(static_cast<int>(exit_status(summary))));
    if (first && *first != tree) violated("two mirrors of one bucket differ");
    if (first_refused && *first_refused != refused)
      violated("two mirrors of one bucket refuse different keys");
    first = std::move(tree);
    first_refused = refused;
  }
  bucket_->shuffle_listing(false);
}

}  // namespace sluice::chaos

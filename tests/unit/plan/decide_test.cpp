#include "plan/decide.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <sstream>
#include <vector>

namespace sluice::plan {
namespace {

constexpr std::int64_t kTimeMs = 1'700'000'000'400;
constexpr std::uint64_t kSize = 100;
constexpr std::uint64_t kInode = 7;

enum class Row { none, same, other_etag, other_size, other_both };
enum class State { stored, refused };
enum class Etag { strong, none };
enum class Listed { same_time, newer, older };
enum class Local {
  absent,
  matching,
  other_inode,
  other_mtime,
  other_size,
  listed_size,  ///< what the listing says, where the record says another size
  directory,
  special,
};

struct Case {
  Row row;
  State state;
  Etag etag;
  Listed listed;
  Local local;
  StorageClass storage;
  DecideOptions options;
};

/// The values that a case stands for.
struct Made {
  ListedObject remote;
  std::optional<ObjectRow> row;
  LocalFile local;
  Decision decision;
};

Made make(const Case& c) {
  Made out;
  out.remote.key = "k";
  out.remote.etag = c.etag == Etag::strong ? "etag" : "";
  out.remote.size = kSize;
  out.remote.modified_ms = kTimeMs;
  out.remote.storage = c.storage;
  if (c.listed == Listed::newer) out.remote.modified_ms += 60'000;
  if (c.listed == Listed::older) out.remote.modified_ms -= 60'000;

  const std::int64_t mtime_ns = kTimeMs * 1'000'000;
  std::uint64_t recorded_size = kSize;
  if (c.row == Row::other_size || c.row == Row::other_both) recorded_size = kSize + 1;
  if (c.row != Row::none) {
    out.row.emplace();
    out.row->key = "k";
    out.row->version = {std::string(out.remote.etag), recorded_size, kTimeMs};
    if (c.row == Row::other_etag || c.row == Row::other_both) out.row->version.etag += "-old";
    out.row->mtime_ns = mtime_ns;
    out.row->inode = kInode;
    out.row->state = c.state == State::stored ? RowState::stored : RowState::refused;
  }

  out.local = {FileType::regular, recorded_size, mtime_ns, kInode};
  switch (c.local) {
    case Local::absent:
      out.local = {};
      break;
    case Local::matching:
      break;
    case Local::other_inode:
      out.local.inode += 1;
      break;
    case Local::other_mtime:
      out.local.mtime_ns += 1;
      break;
    case Local::other_size:
      out.local.size += 50;
      break;
    case Local::listed_size:
      out.local.size = kSize;
      break;
    case Local::directory:
      out.local.type = FileType::directory;
      break;
    case Local::special:
      out.local.type = FileType::other;
      break;
  }
  out.decision = decide(out.remote, out.row ? &*out.row : nullptr, out.local, c.options);
  return out;
}

void for_every_case(const std::function<void(const Case&)>& body) {
  for (const auto row : {Row::none, Row::same, Row::other_etag, Row::other_size, Row::other_both})
    for (const auto state : {State::stored, State::refused})
      for (const auto etag : {Etag::strong, Etag::none})
        for (const auto listed : {Listed::same_time, Listed::newer, Listed::older})
          for (const auto local :
               {Local::absent, Local::matching, Local::other_inode, Local::other_mtime,
                Local::other_size, Local::listed_size, Local::directory, Local::special})
            for (const auto storage : {StorageClass::readable, StorageClass::archived})
              for (const auto changes : {LocalChanges::overwrite, LocalChanges::keep})
                for (const auto compare : {Compare::record, Compare::size_only, Compare::checksum})
                  for (const auto adopt : {AdoptBy::hash, AdoptBy::size_mtime})
                    for (const bool keep_refusals : {false, true})
                      body({row,
                            state,
                            etag,
                            listed,
                            local,
                            storage,
                            {changes, compare, adopt, keep_refusals}});
}

std::string shown(const Case& c, const Decision& decision) {
  std::ostringstream out;
  out << "row " << int(c.row) << " state " << int(c.state) << " etag " << int(c.etag) << " listed "
      << int(c.listed) << " local " << int(c.local) << " storage " << int(c.storage) << " changes "
      << int(c.options.local_changes) << " compare " << int(c.options.compare) << " adopt "
      << int(c.options.adopt_by) << " keep refusals " << c.options.keep_refusals << " -> "
      << to_string(decision.action) << ", " << to_string(decision.reason);
  return out.str();
}

/// The table once more, written another way: from the actions to their conditions.
TEST(Decide, EveryCombinationFollowsTheTable) {
  int cases = 0;
  for_every_case([&cases](const Case& c) {
    const Made m = make(c);
    const bool regular = m.local.type == FileType::regular;
    const bool blocked = m.local.type == FileType::directory || m.local.type == FileType::other;
    const bool same = m.row && m.row->version.same_content(m.remote.version());
    const bool stored = m.row && m.row->state == RowState::stored;
    const bool untouched = regular && stored && m.local.size == m.row->version.size &&
                           m.local.mtime_ns == m.row->mtime_ns;
    const bool exact = untouched && m.local.inode == m.row->inode;
    const bool modified = regular && stored && !untouched;
    const bool by_size =
        c.options.compare == Compare::size_only && regular && m.local.size == m.remote.size;
    const bool refused = same && !stored && c.options.keep_refusals;
    const bool protect = modified && c.options.local_changes == LocalChanges::keep;
    const bool adoptable = regular && !stored && m.local.size == m.remote.size &&
                           (c.options.adopt_by == AdoptBy::hash ||
                            m.local.mtime_ns / 1'000'000'000 == m.remote.modified_ms / 1'000);

    Decision expected;
    if (blocked) {
      expected = {Action::refuse, Reason::occupied};
    } else if (refused) {
      expected = {Action::refuse, Reason::refused_before};
    } else if (by_size) {
      expected = {Action::keep, Reason::unchanged};
    } else if (adoptable) {
      expected = {Action::adopt, Reason::unrecorded_file};
    } else if (protect) {
      expected = {Action::report, Reason::modified_locally};
    } else if (same && untouched && !exact) {
      expected = {Action::rehash, Reason::moved_inode};
    } else if (same && exact && m.remote.modified_ms > m.row->version.modified_ms) {
      expected = {Action::touch, Reason::newer_time};
    } else if (same && exact) {
      expected = {c.options.compare == Compare::checksum ? Action::rehash : Action::keep,
                  Reason::unchanged};
    } else if (c.storage == StorageClass::archived) {
      expected = {Action::skip_archived, Reason::archived};
    } else {
      Reason why = Reason::changed;
      if (!stored) why = regular ? Reason::unrecorded_file : Reason::fresh;
      if (stored && same) why = regular ? Reason::modified_locally : Reason::missing_locally;
      expected = {Action::fetch, why};
    }
    EXPECT_EQ(m.decision, expected) << shown(c, m.decision);
    ++cases;
  });
  EXPECT_EQ(cases, 5 * 2 * 2 * 3 * 8 * 2 * 2 * 3 * 2 * 2);
}

TEST(Decide, PropertiesThatHoldForEveryCombination) {
  for_every_case([](const Case& c) {
    const Made m = make(c);
    const Action action = m.decision.action;
    const bool exact = m.row && m.local.type == FileType::regular &&
                       m.local.size == m.row->version.size && m.local.mtime_ns == m.row->mtime_ns &&
                       m.local.inode == m.row->inode;
    const std::string what = shown(c, m.decision);
    if (action == Action::keep && c.options.compare != Compare::size_only) {
      EXPECT_TRUE(exact && m.row->version.same_content(m.remote.version())) << what;
      EXPECT_NE(c.options.compare, Compare::checksum) << what;
    }
    if (action == Action::keep) {
      EXPECT_EQ(m.local.size, m.remote.size) << what;
    }
    if (action == Action::touch) {
      EXPECT_TRUE(exact) << what;
    }
    if (action == Action::fetch) {
      EXPECT_EQ(c.storage, StorageClass::readable) << what;
    }
    if (action == Action::adopt) {
      EXPECT_TRUE(!m.row || m.row->state == RowState::refused) << what;
      EXPECT_EQ(m.local.size, m.remote.size) << what;
    }
    if (action == Action::rehash) {
      EXPECT_TRUE(m.row && m.row->state == RowState::stored) << what;
    }
    if (m.local.type == FileType::directory || m.local.type == FileType::other) {
      EXPECT_EQ(action, Action::refuse) << what << ": nothing may go where something stands";
    }
    if (m.local.type == FileType::absent) {
      EXPECT_TRUE(action == Action::fetch || action == Action::skip_archived ||
                  m.decision.reason == Reason::refused_before)
          << what;
    }
    if (action == Action::report) {
      EXPECT_EQ(c.options.local_changes, LocalChanges::keep) << what;
    }
    if (c.options.local_changes == LocalChanges::keep && action == Action::fetch &&
        m.local.type == FileType::regular && m.row && m.row->state == RowState::stored) {
      EXPECT_TRUE(m.local.size == m.row->version.size && m.local.mtime_ns == m.row->mtime_ns)
          << what << ": a local change would be overwritten";
    }
  });
}

Decision decide_default(const ListedObject& remote, const ObjectRow* row, const LocalFile& local) {
  return decide(remote, row, local, DecideOptions());
}

TEST(Decide, AdoptionByTimeComparesWholeSeconds) {
  ListedObject remote;
  remote.size = 5;
  LocalFile local{FileType::regular, 5, 0, 1};
  DecideOptions options;
  options.adopt_by = AdoptBy::size_mtime;
  const auto adopted = [&](std::int64_t modified_ms, std::int64_t mtime_ns) {
    remote.modified_ms = modified_ms;
    local.mtime_ns = mtime_ns;
    return decide(remote, nullptr, local, options).action == Action::adopt;
  };
  EXPECT_TRUE(adopted(5'999, 5'000'000'000));
  EXPECT_TRUE(adopted(5'000, 5'999'999'999));
  EXPECT_FALSE(adopted(5'999, 6'000'000'000));
  EXPECT_FALSE(adopted(5'000, 4'999'999'999));
  EXPECT_TRUE(adopted(-1, -1)) << "before 1970 too";
  EXPECT_FALSE(adopted(-1, 0));
  EXPECT_FALSE(adopted(0, -1));
}

TEST(Decide, ARefusedVersionIsTriedAgainOnceItChanges) {
  ListedObject remote;
  remote.etag = "one";
  remote.size = 5;
  ObjectRow row;
  row.version = {"one", 5, 0};
  row.state = RowState::refused;
  EXPECT_EQ(decide_default(remote, &row, {}), (Decision{Action::fetch, Reason::fresh}));
  DecideOptions strict;
  strict.keep_refusals = true;
  EXPECT_EQ(decide(remote, &row, {}, strict), (Decision{Action::refuse, Reason::refused_before}));
  remote.etag = "two";
  EXPECT_EQ(decide(remote, &row, {}, strict), (Decision{Action::fetch, Reason::fresh}));
  EXPECT_EQ(decide_default(remote, &row, {}), (Decision{Action::fetch, Reason::fresh}));
}

TEST(Decide, AnArchivedObjectThatWeHaveStaysKept) {
  ListedObject remote;
  remote.etag = "e";
  remote.size = 5;
  remote.storage = StorageClass::archived;
  ObjectRow row;
  row.version = {"e", 5, 0};
  row.mtime_ns = 9;
  row.inode = 3;
  EXPECT_EQ(decide_default(remote, &row, {FileType::regular, 5, 9, 3}).action, Action::keep);
  EXPECT_EQ(decide_default(remote, &row, {}).action, Action::skip_archived);
}

TEST(DecideNames, AreDistinct) {
  std::set<std::string_view> names;
  for (int n = 0; n <= int(Action::report); ++n)
    names.insert(to_string(static_cast<Action>(n)));
  EXPECT_EQ(names.size(), std::size_t(Action::report) + 1);
  names.clear();
  for (int n = 0; n <= int(Reason::archived); ++n)
    names.insert(to_string(static_cast<Reason>(n)));
  EXPECT_EQ(names.size(), std::size_t(Reason::archived) + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace sluice::plan

#include "record/record.hpp"

#include "base/text.hpp"
#include "record/database.hpp"
#include "record/recovery.hpp"
#include "record/rows.hpp"
#include "record/schema.hpp"
#include "record/statements.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::record {
namespace {

/// 10,000 passes are a week of a watch every minute.
constexpr const char* kPrunePasses =
    "DELETE FROM passes WHERE id <= (SELECT max(id) FROM passes) - 10000";

/// Checked in about 0.1 s; a record of 50 million keys would take minutes.
constexpr off_t kCheckedWhole = 16 << 20;

// busy_timeout is set before any of these. 2 MB of pages: the record is read in order and written
// in batches, so that more would only cost memory.
constexpr const char* kSetUpWriter =
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "PRAGMA journal_size_limit=67108864;";
constexpr const char* kSetUp =
    "PRAGMA cache_size=-2000;"
    "PRAGMA temp_store=FILE;"
    "PRAGMA temp.cache_size=-500;"
    "PRAGMA trusted_schema=OFF;";

std::string shown(const Source& source) {
  return "s3://" + text::escaped(source.bucket) + "/" + text::escaped(source.prefix) + " at " +
         text::escaped(source.endpoint_host);
}

}  // namespace

struct Record::Impl {
  explicit Impl(Database opened) : database(std::move(opened)) {}

  Database database;
  std::array<Statement, kStatementCount> statements;
  bool was_damaged = false;
  bool has_absent = false;
  std::optional<std::int64_t> journal_most;             ///< 0: no journal; unset: not looked at yet
  CommitSync commit_sync = CommitSync::with_the_files;  ///< as kSetUpWriter has it

  Result<Statement*> statement(StatementId id);
  Result<std::vector<ObjectRow>> select(StatementId id, std::string_view after, std::size_t limit);
  template <class Row>
  Result<std::optional<Row>> find_one(StatementId id, std::string_view key,
                                      Row (*read)(const Statement&));
  Result<void> write(StatementId id, const std::vector<ObjectRow>& rows);
  Result<PendingRange> write_pending(const std::vector<PendingRow>& rows);
  Result<void> for_ranges(StatementId id, const std::vector<PendingRange>& ranges);
  Result<void> write_partials(const std::vector<PartialRow>& rows);
  Result<void> erase(StatementId id, const std::vector<std::string>& keys);
  template <class Body>
  Result<void> in_transaction(const char* begin, Body&& body);
  Result<void> need_absent();
  Result<void> bound_journal();
  Result<void> check_sound();
  Result<std::optional<Source>> read_source();
  Result<bool> belongs_to(const Source& wanted, Adopt adopt);
  Result<void> settle_source(const Source& wanted, Adopt adopt);
};

Result<Statement*> Record::Impl::statement(StatementId id) {
  Statement& kept = statements[id];
  if (!kept) {
    auto prepared = database.prepare(kSql[id]);
    if (!prepared) return prepared.error();
    kept = std::move(*prepared);
  }
  return &kept;
}

Result<std::vector<ObjectRow>> Record::Impl::select(StatementId id, std::string_view after,
                                                    std::size_t limit) {
  const auto prepared = statement(id);
  if (!prepared) return prepared.error();
  Statement& query = **prepared;
  const Run run(query);
  query.bind_blob(1, after).bind(2, static_cast<std::int64_t>(limit));
  std::vector<ObjectRow> rows;
  for (;;) {
    switch (query.step()) {
      case Step::row:
        // SQLite believes its tree. A row in the wrong place would be called absent.
        if (query.bytes(0) <= (rows.empty() ? after : std::string_view(rows.back().key))) {
          database.note_suspicion();
          return damaged(database.path(), "its rows are out of order");
        }
        rows.push_back(read_row(query));
        break;
      case Step::done:
        return rows;
      case Step::failed:
        return database.error();
    }
  }
}

template <class Row>
Result<std::optional<Row>> Record::Impl::find_one(StatementId id, std::string_view key,
                                                  Row (*read)(const Statement&)) {
  const auto prepared = statement(id);
  if (!prepared) return prepared.error();
  Statement& query = **prepared;
  const Run run(query);
  query.bind_blob(1, key);
  const Step step = query.step();
  if (step == Step::failed) return database.error();
  std::optional<Row> found;
  if (step == Step::row) found = read(query);
  return found;
}

Result<void> Record::Impl::write(StatementId id, const std::vector<ObjectRow>& rows) {
  const auto prepared = statement(id);
  if (!prepared) return prepared.error();
  Statement& insert = **prepared;
  for (const ObjectRow& row : rows) {
    const Run run(insert);
    bind_row(insert, row);
    if (insert.step() == Step::failed) return database.error();
  }
  return {};
}

Result<PendingRange> Record::Impl::write_pending(const std::vector<PendingRow>& rows) {
  if (rows.empty()) return PendingRange{};
  const auto prepared = statement(kAddPending);
  if (!prepared) return prepared.error();
  Statement& insert = **prepared;
  for (const PendingRow& pending : rows) {
    const Run run(insert);
    bind_row(insert, pending.row);
    insert.bind_text(kObjectColumns + 1, pending.staged_name);
    if (insert.step() == Step::failed) return database.error();
  }
  // Each row was numbered one higher than the highest that was there.
  const std::int64_t end = database.last_number() + 1;
  return PendingRange{end - static_cast<std::int64_t>(rows.size()), end};
}

Result<void> Record::Impl::for_ranges(StatementId id, const std::vector<PendingRange>& ranges) {
  if (ranges.empty()) return {};
  const auto prepared = statement(id);
  if (!prepared) return prepared.error();
  for (const PendingRange& range : ranges) {
    const Run run(**prepared);
    (*prepared)->bind(1, range.first).bind(2, range.end);
    if ((*prepared)->step() == Step::failed) return database.error();
  }
  return {};
}

Result<void> Record::Impl::write_partials(const std::vector<PartialRow>& rows) {
  const auto prepared = statement(kPutPartial);
  if (!prepared) return prepared.error();
  for (const PartialRow& partial : rows) {
    const std::string parts = encode_parts(partial);
    const Run run(**prepared);
    bind_partial(**prepared, partial, parts);
    if ((*prepared)->step() == Step::failed) return database.error();
  }
  return {};
}

Result<void> Record::Impl::erase(StatementId id, const std::vector<std::string>& keys) {
  if (keys.empty()) return {};
  const auto prepared = statement(id);
  if (!prepared) return prepared.error();
  for (const std::string& key : keys) {
    const Run run(**prepared);
    (*prepared)->bind_blob(1, key);
    if ((*prepared)->step() == Step::failed) return database.error();
  }
  return {};
}

template <class Body>
Result<void> Record::Impl::in_transaction(const char* begin, Body&& body) {
  if (const auto begun = database.execute(begin); !begun) return begun.error();
  auto done = body();
  if (done) done = database.execute("COMMIT");
  // Some errors have rolled back already; then this one is the error of no transaction.
  if (!done) static_cast<void>(database.execute("ROLLBACK"));
  return done;
}

Result<void> Record::Impl::need_absent() {
  if (has_absent) return {};
  if (const auto made = database.execute(kCreateAbsent); !made) return made.error();
  has_absent = true;
  return {};
}

/// In a transaction.
Result<void> Record::Impl::bound_journal() {
  if (!journal_most) {
    const auto bounds = read_journal(database);
    if (!bounds) return bounds.error();
    journal_most = *bounds ? (*bounds)->most : 0;
  }
  return *journal_most == 0 ? Result<void>() : prune_journal(database, *journal_most);
}

Result<void> Record::Impl::check_sound() {
  struct stat st {};
  const std::string mark = suspicion_path(database.path());
  const bool suspect = is_there(mark);
  const bool small = stat(database.path().c_str(), &st) == 0 && st.st_size <= kCheckedWhole;
  // Reading a value at both ends of the tree also finds a file that was cut short.
  // Only integrity_check looks at the order of rows.
  auto check =
      database.prepare(suspect ? "PRAGMA integrity_check(1)"
                       : small ? "PRAGMA quick_check(1)"
                               : "SELECT 'ok', (SELECT length(etag) FROM objects ORDER BY "
                                 "key LIMIT 1), (SELECT length(etag) FROM objects ORDER BY "
                                 "key DESC LIMIT 1)");
  if (!check) return check.error();
  if (check->step() != Step::row) return database.error();
  if (const std::string_view verdict = check->bytes(0); verdict != "ok") {
    // What could not be read may be sound: moving it aside would be for ever, the failure may not.
    if (const int failure = read_failure(verdict); failure != 0) return database.error(failure);
    return damaged(database.path(), verdict);
  }
  if (const auto source = read_source(); !source) return source.error();
  if (suspect) unlink(mark.c_str());
  return {};
}

Result<std::optional<Source>> Record::Impl::read_source() {
  auto query = database.prepare("SELECT endpoint_host, bucket, prefix FROM source");
  if (!query) return query.error();
  const Step step = query->step();
  if (step == Step::failed) return database.error();
  if (step == Step::done) return std::optional<Source>();
  Source out;
  out.endpoint_host = query->bytes(0);
  out.bucket = query->bytes(1);
  out.prefix = query->bytes(2);
  return std::optional<Source>(std::move(out));
}

/// A record of another source is refused, or on request taken over; one that has no rows (nothing
/// of its source was ever stored: a mistyped bucket, say) binds nobody. Rows are dropped then: the
/// same ETag means the same content only within one bucket (some servers count up), so that the
/// next pass has to look at the files themselves.
Result<void> Record::Impl::settle_source(const Source& wanted, Adopt adopt) {
  const auto is_same = belongs_to(wanted, adopt);
  if (!is_same) return is_same.error();
  if (*is_same) return {};
  return in_transaction("BEGIN IMMEDIATE", [this, &wanted]() -> Result<void> {
    if (const auto dropped =
            database.execute("DELETE FROM objects; DELETE FROM pending; DELETE FROM partials");
        !dropped)
      return dropped.error();
    auto insert = database.prepare(
        "INSERT OR REPLACE INTO source (id, endpoint_host, bucket, prefix, byte_order_proved) "
        "VALUES (1, ?1, ?2, ?3, 0)");
    if (!insert) return insert.error();
    insert->bind_text(1, wanted.endpoint_host)
        .bind_text(2, wanted.bucket)
        .bind_blob(3, wanted.prefix);
    if (insert->step() == Step::failed) return database.error();
    return {};
  });
}

Result<bool> Record::Impl::belongs_to(const Source& wanted, Adopt adopt) {
  const auto read = read_source();
  if (!read) return read.error();
  const std::optional<Source>& known = *read;
  if (known == wanted) return true;
  const auto rows =
      database.number("SELECT EXISTS (SELECT 1 FROM objects) OR EXISTS (SELECT 1 FROM pending)");
  if (!rows) return rows.error();
  if (known && *rows != 0 && adopt == Adopt::no)
    return Error(ErrorKind::usage, "this directory mirrors " + shown(*known) + ", not " +
                                       shown(wanted) +
                                       "; choose another directory, or take it over with --adopt");
  return false;
}

Record::Record() = default;
Record::~Record() = default;

Result<std::unique_ptr<Record>> Record::open(const std::string& path, const Source& source,
                                             Adopt adopt) {
  const auto attempt = [&path]() -> Result<std::unique_ptr<Impl>> {
    auto database = Database::open(path, OpenMode::create);
    if (!database) return database.error();
    auto impl = std::make_unique<Impl>(std::move(*database));
    if (const auto set = impl->database.execute(kSetUpWriter); !set) return set.error();
    if (const auto set = impl->database.execute(kSetUp); !set) return set.error();
    if (const auto made = migrate(impl->database); !made) return made.error();
    if (const auto sound = impl->check_sound(); !sound) return sound.error();
    return impl;
  };
  auto opened = attempt();
  const bool was_damaged = !opened && opened.error().code == "damaged";
  if (was_damaged) {
    if (const auto moved = move_aside(path); !moved) return moved.error();
    opened = attempt();
  }
  if (!opened) return opened.error();
  std::unique_ptr<Record> out(new Record());
  out->impl_ = std::move(*opened);
  out->impl_->was_damaged = was_damaged;
  if (const auto settled = out->impl_->settle_source(source, adopt); !settled)
    return settled.error();
  return out;
}

Result<std::unique_ptr<Record>> Record::connect(const std::string& path, Access access) {
  OpenMode mode = OpenMode::read_write;
  if (access == Access::read_only) mode = OpenMode::read_only;
  if (access == Access::frozen) mode = OpenMode::frozen;
  auto database = Database::open(path, mode);
  if (!database) return database.error();
  std::unique_ptr<Record> out(new Record());
  out->impl_ = std::make_unique<Impl>(std::move(*database));
  Database& opened = out->impl_->database;
  if (access == Access::read_write) {
    if (const auto set = opened.execute(kSetUpWriter); !set) return set.error();
  }
  if (const auto set = opened.execute(kSetUp); !set) return set.error();
  if (const auto known = check_schema(opened); !known) return known.error();
  return out;
}

Result<std::unique_ptr<Record>> Record::empty() {
  auto database = Database::open(":memory:", OpenMode::create);
  if (!database) return database.error();
  std::unique_ptr<Record> out(new Record());
  out->impl_ = std::make_unique<Impl>(std::move(*database));
  if (const auto set = out->impl_->database.execute(kSetUp); !set) return set.error();
  if (const auto made = migrate(out->impl_->database); !made) return made.error();
  return out;
}

Result<bool> Record::belongs_to(const Source& source, Adopt adopt) {
  return impl_->belongs_to(source, adopt);
}

std::optional<Source> Record::source() {
  auto read = impl_->read_source();
  return read ? std::move(*read) : std::nullopt;
}

bool Record::was_damaged() const noexcept {
  return impl_->was_damaged;
}

Result<std::vector<ObjectRow>> Record::rows_after(std::string_view after, std::size_t limit) {
  return impl_->select(kRowsAfter, after, limit);
}

Result<std::optional<std::string>> Record::key_after(std::string_view after, std::uint64_t rows) {
  const auto prepared = impl_->statement(kKeyAfter);
  if (!prepared) return prepared.error();
  Statement& query = **prepared;
  const Run run(query);
  query.bind_blob(1, after).bind(2,
                                 static_cast<std::int64_t>(std::max<std::uint64_t>(rows, 1)) - 1);
  const Step step = query.step();
  if (step == Step::failed) return impl_->database.error();
  if (step != Step::row) return std::optional<std::string>();
  return std::optional<std::string>(query.bytes(0));
}

Result<std::optional<ObjectRow>> Record::find(std::string_view key) {
  return impl_->find_one<ObjectRow>(kFind, key, read_row);
}

void add_number(std::vector<PendingRange>& ranges, std::int64_t number) {
  if (!ranges.empty() && ranges.back().end == number)
    ++ranges.back().end;
  else
    ranges.push_back(PendingRange{number, number + 1});
}

Result<PendingRange> Record::commit(const Batch& batch) {
  PendingRange numbers;
  if (batch.empty()) return numbers;
  const auto committed = impl_->in_transaction("BEGIN IMMEDIATE", [&]() -> Result<void> {
    auto done = impl_->write(kUpsert, batch.upserts);
    if (done) done = impl_->for_ranges(kPlacePending, batch.placed);
    if (done) done = impl_->erase(kDelete, batch.deletes);
    // What goes, goes first: the same key may be pending again, or have begun anew.
    if (done) done = impl_->for_ranges(kDropPending, batch.settled);
    if (done) {
      const auto written = impl_->write_pending(batch.pending);
      if (!written) return written.error();
      numbers = *written;
    }
    if (done) done = impl_->erase(kDropPartial, batch.ended_partials);
    if (done) done = impl_->write_partials(batch.partials);
    if (done) done = impl_->bound_journal();
    return done;
  });
  if (!committed) return committed.error();
  return numbers;
}

Result<void> Record::keep_journal(std::uint64_t most, std::int64_t now_ms) {
  impl_->journal_most.reset();
  return record::keep_journal(impl_->database, most, now_ms);
}

Result<std::optional<JournalBounds>> Record::journal() {
  return read_journal(impl_->database);
}

Result<std::vector<ChangeRow>> Record::changes_after(std::int64_t after, std::size_t limit) {
  return read_changes(impl_->database, after, limit);
}

Result<std::vector<PendingRow>> Record::pending() {
  auto query = impl_->database.prepare("SELECT " SLUICE_OBJECT_COLUMNS
                                       ", staged_name, number FROM pending ORDER BY number");
  if (!query) return query.error();
  std::vector<PendingRow> rows;
  Step step = query->step();
  for (; step == Step::row; step = query->step())
    rows.push_back(PendingRow{read_row(*query), std::string(query->bytes(kObjectColumns)),
                              query->integer(kObjectColumns + 1)});
  if (step == Step::failed) return impl_->database.error();
  return rows;
}

Result<std::optional<PartialRow>> Record::find_partial(std::string_view key) {
  return impl_->find_one<PartialRow>(kFindPartial, key, read_partial);
}

Result<std::vector<PartialName>> Record::partial_names() {
  auto query = impl_->database.prepare("SELECT key, staged_name FROM partials");
  if (!query) return query.error();
  std::vector<PartialName> names;
  Step step = query->step();
  for (; step == Step::row; step = query->step())
    names.push_back(PartialName{std::string(query->bytes(0)), std::string(query->bytes(1))});
  if (step == Step::failed) return impl_->database.error();
  return names;
}

Result<void> Record::set_commit_sync(CommitSync sync) {
  if (impl_->commit_sync == sync) return {};
  const auto set = impl_->database.execute(sync == CommitSync::each ? "PRAGMA synchronous=FULL"
                                                                    : "PRAGMA synchronous=NORMAL");
  if (set) impl_->commit_sync = sync;
  return set;
}

Result<std::int64_t> Record::begin_pass(std::int64_t started_ms) {
  std::int64_t id = 0;
  const auto begun = impl_->in_transaction("BEGIN IMMEDIATE", [&]() -> Result<void> {
    if (const auto pruned = impl_->database.execute(kPrunePasses); !pruned) return pruned;
    auto insert =
        impl_->database.prepare("INSERT INTO passes (started_ms) VALUES (?1) RETURNING id");
    if (!insert) return insert.error();
    insert->bind(1, started_ms);
    if (insert->step() != Step::row) return impl_->database.error();
    id = insert->integer(0);
    return {};
  });
  if (!begun) return begun.error();
  return id;
}

Result<void> Record::end_pass(const PassRow& pass) {
  auto update = impl_->database.prepare(
      "UPDATE passes SET finished_ms = ?2, outcome = ?3, listed = ?4, kept = ?5, fetched = ?6, "
      "fetched_bytes = ?7, deleted = ?8, failed = ?9, refused = ?10 WHERE id = ?1");
  if (!update) return update.error();
  update->bind(1, pass.id)
      .bind(2, pass.finished_ms)
      .bind_text(3, pass.outcome)
      .bind_unsigned(4, pass.listed)
      .bind_unsigned(5, pass.kept)
      .bind_unsigned(6, pass.fetched)
      .bind_unsigned(7, pass.fetched_bytes)
      .bind_unsigned(8, pass.deleted)
      .bind_unsigned(9, pass.failed)
      .bind_unsigned(10, pass.refused);
  if (update->step() == Step::failed) return impl_->database.error();
  auto prune = impl_->database.prepare("DELETE FROM passes WHERE id <= ?1");
  if (!prune) return prune.error();
  prune->bind(1, pass.id - kMostPasses);
  if (prune->step() == Step::failed) return impl_->database.error();
  return {};
}

Result<std::vector<PassRow>> Record::last_passes(std::size_t limit) {
  auto query = impl_->database.prepare(
      "SELECT id, started_ms, finished_ms, outcome, listed, kept, fetched, fetched_bytes, "
      "deleted, failed, refused FROM passes ORDER BY id DESC LIMIT ?1");
  if (!query) return query.error();
  query->bind(1, static_cast<std::int64_t>(limit));
  std::vector<PassRow> out;
  Step step = query->step();
  for (; step == Step::row; step = query->step()) {
    PassRow pass;
    pass.id = query->integer(0);
    pass.started_ms = query->integer(1);
    pass.finished_ms = query->integer(2);
    pass.outcome = query->bytes(3);
    pass.listed = query->natural(4);
    pass.kept = query->natural(5);
    pass.fetched = query->natural(6);
    pass.fetched_bytes = query->natural(7);
    pass.deleted = query->natural(8);
    pass.failed = query->natural(9);
    pass.refused = query->natural(10);
    out.push_back(std::move(pass));
  }
  if (step == Step::failed) return impl_->database.error();
  return out;
}

Result<Totals> Record::totals() {
  auto query = impl_->database.prepare(
      "SELECT count(*) FILTER (WHERE state = 1), coalesce(sum(size) FILTER (WHERE state = 1), 0), "
      "count(*) FILTER (WHERE state = 2), (SELECT count(*) FROM partials) FROM objects");
  if (!query) return query.error();
  if (query->step() != Step::row) return impl_->database.error();
  return Totals{query->natural(0), query->natural(1), query->natural(2), query->natural(3)};
}

bool Record::byte_order_proved() {
  const auto proved = impl_->database.number("SELECT byte_order_proved FROM source");
  return proved && *proved != 0;
}

Result<void> Record::set_byte_order_proved(bool proved) {
  return impl_->database.execute(proved ? "UPDATE source SET byte_order_proved = 1"
                                        : "UPDATE source SET byte_order_proved = 0");
}

Result<void> Record::note_absent(const std::vector<ObjectRow>& rows) {
  if (rows.empty()) return {};
  if (const auto made = impl_->need_absent(); !made) return made.error();
  return impl_->in_transaction("BEGIN", [&] { return impl_->write(kNoteAbsent, rows); });
}

Result<std::vector<ObjectRow>> Record::absent_after(std::string_view after, std::size_t limit) {
  if (const auto made = impl_->need_absent(); !made) return made.error();
  return impl_->select(kAbsentAfter, after, limit);
}

Result<std::uint64_t> Record::count_absent() {
  if (const auto made = impl_->need_absent(); !made) return made.error();
  const auto count = impl_->database.number("SELECT count(*) FROM temp.absent");
  if (!count) return count.error();
  return static_cast<std::uint64_t>(*count);
}

Result<void> Record::clear_absent() {
  if (!impl_->has_absent) return {};
  return impl_->database.execute("DELETE FROM temp.absent");
}

Result<void> Record::checkpoint() {
  return impl_->database.checkpoint();
}

}  // namespace sluice::record

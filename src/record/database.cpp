#include "record/database.hpp"

#include "base/text.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::record {
namespace {

/// Writers wait for each other only as long as a batch takes; 5 s is what a stop may take.
constexpr int kBusyMs = 5'000;
/// A checkpoint is a courtesy: somebody who reads in the sqlite3 shell must not hold up a pass.
constexpr int kCheckpointBusyMs = 200;

/// The errno of the last failure of a file of SQLite's, 0 if it keeps none.
int last_errno(sqlite3_file* file) {
  int number = 0;
  if (file != nullptr && file->pMethods != nullptr)
    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number);
  return number;
}

/// What the operating system said when the database or its WAL could not be read or written.
int file_errno(sqlite3* connection) {
  if (connection == nullptr) return 0;
  for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {  // WAL first
    sqlite3_file* file = nullptr;
    sqlite3_file_control(connection, "main", which, &file);
    if (const int number = last_errno(file); number != 0) return number;
  }
  return 0;
}

/// SQLite's own answer is errno after it has tidied up: often nothing.
int system_errno(sqlite3* connection) {
  const int number = connection != nullptr ? sqlite3_system_errno(connection) : 0;
  return number != 0 ? number : file_errno(connection);
}

int os_error_of(int code, sqlite3* connection, const std::string& path) {
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return ENOSPC;
    case SQLITE_READONLY:
      return access(path.c_str(), W_OK) != 0 ? errno : EROFS;
    case SQLITE_NOMEM:
      return ENOMEM;
    case SQLITE_CORRUPT:  // so SQLite calls a page that the disk cannot read, too
    case SQLITE_NOTADB:
      return file_errno(connection);
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return system_errno(connection);
    default:
      return 0;
  }
}

/// Whether this works or not: the error itself says what to know.
void mark_suspect(const std::string& path) {
  const int fd = ::open(suspicion_path(path).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
}

Error error_of(int code, sqlite3* connection, const std::string& path) {
  Error error(ErrorKind::local, "the record \"" + text::escaped(path) + "\": ");
  const bool is_latest = connection != nullptr && sqlite3_extended_errcode(connection) == code;
  error.message += is_latest ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  error.os_error = os_error_of(code, connection, path);
  if (error.os_error != 0)
    error.message += " (" + explained(error.os_error) + ")";
  else if ((code & 0xFF) == SQLITE_IOERR || (code & 0xFF) == SQLITE_CANTOPEN)
    error.message += "; see dmesg";
  const int primary = code & 0xFF;
  const bool looks_damaged = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
  if (looks_damaged && error.os_error == 0) {
    error.code = "damaged";
    // Who may only read leaves no mark.
    if (connection != nullptr && sqlite3_db_readonly(connection, "main") == 1) return error;
    mark_suspect(path);
  } else if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) {
    error.code = "busy";
  }
  return error;
}

/// Without a WAL nobody has the database open. One of no bytes is what an ended process leaves, or
/// a living one that is about to write.
bool needs_no_wal(const std::string& path, OpenMode mode) {
  struct stat st {};
  const bool absent = stat((path + "-wal").c_str(), &st) != 0 && errno == ENOENT;
  return (mode == OpenMode::read_only && absent) ||
         (mode == OpenMode::frozen && (absent || st.st_size == 0));
}

}  // namespace

std::string suspicion_path(const std::string& path) {
  return path + ".suspect";
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

// What a bind can fail with (a wrong index, a value over 1 GB) is a bug, and step() fails then.
Statement& Statement::bind(int index, std::int64_t value) noexcept {
  sqlite3_bind_int64(statement_.get(), index, value);
  return *this;
}

Statement& Statement::bind_unsigned(int index, std::uint64_t value) noexcept {
  return bind(index, static_cast<std::int64_t>(value));
}

Statement& Statement::bind_blob(int index, std::string_view bytes) noexcept {
  // A null pointer would bind NULL, which compares with nothing.
  sqlite3_bind_blob64(statement_.get(), index, bytes.data() != nullptr ? bytes.data() : "",
                      bytes.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_text(int index, std::string_view text) noexcept {
  sqlite3_bind_text64(statement_.get(), index, text.data() != nullptr ? text.data() : "",
                      text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Step Statement::step() noexcept {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW:
      return Step::row;
    case SQLITE_DONE:
      return Step::done;
    default:
      return Step::failed;
  }
}

void Statement::reset() noexcept {
  sqlite3_reset(statement_.get());
}

std::int64_t Statement::integer(int column) const noexcept {
  return sqlite3_column_int64(statement_.get(), column);
}

std::uint64_t Statement::natural(int column) const noexcept {
  return static_cast<std::uint64_t>(integer(column));
}

std::string_view Statement::bytes(int column) const noexcept {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (data == nullptr || size <= 0) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

void Database::Close::operator()(sqlite3* connection) const noexcept {
  sqlite3_close_v2(connection);
}

Result<Database> Database::open(const std::string& path, OpenMode mode) {
  if (struct stat st{}; mode != OpenMode::create && stat(path.c_str(), &st) != 0)
    return local_error(errno == ENOENT ? "there is no record at \"" + text::escaped(path) + "\""
                                       : "cannot look at \"" + text::escaped(path) + "\"",
                       errno);
  int flags = SQLITE_OPEN_NOMUTEX;
  const bool writes = mode == OpenMode::create || mode == OpenMode::read_write;
  flags |= writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  if (mode == OpenMode::create) flags |= SQLITE_OPEN_CREATE;
  std::string name = path;
  if (needs_no_wal(path, mode)) {
    // SQLite would make a WAL and its index, or fail on a read-only file system.
    name = "file:" + text::uri_encoded(path, text::Slash::keep) + "?immutable=1";
    flags |= SQLITE_OPEN_URI;
  }
  Database out;
  out.path_ = path;
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &connection, flags, nullptr);
  out.connection_.reset(connection);  // SQLite gives one on failure too
  if (code != SQLITE_OK) return error_of(code, connection, path);
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, kBusyMs);
  return out;
}

Error Database::error() const {
  return error_of(sqlite3_extended_errcode(connection_.get()), connection_.get(), path_);
}

void Database::note_suspicion() const {
  if (sqlite3_db_readonly(connection_.get(), "main") != 1) mark_suspect(path_);
}

Error Database::error(int code) const {
  return error_of(code, connection_.get(), path_);
}

Result<void> Database::execute(const char* sql) {
  if (sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error();
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return error();
  return Statement(statement);
}

Result<std::int64_t> Database::number(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  if (statement->step() != Step::row) return error();
  return statement->integer(0);
}

std::int64_t Database::last_number() const noexcept {
  return sqlite3_last_insert_rowid(connection_.get());
}

Result<void> Database::checkpoint() {
  sqlite3_busy_timeout(connection_.get(), kCheckpointBusyMs);
  const int code = sqlite3_wal_checkpoint_v2(connection_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                             nullptr, nullptr);
  sqlite3_busy_timeout(connection_.get(), kBusyMs);
  if (code == SQLITE_OK || (code & 0xFF) == SQLITE_BUSY || (code & 0xFF) == SQLITE_LOCKED)
    return {};
  return error_of(code, connection_.get(), path_);
}

}  // namespace sluice::record

#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace sluice::record {

enum class Step : std::uint8_t { row, done, failed };

/// A prepared statement, kept for the life of its connection. Text and blobs are bound without a
/// copy: they must live until reset().
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  explicit operator bool() const noexcept { return statement_ != nullptr; }

  Statement& bind(int index, std::int64_t value) noexcept;
  Statement& bind_unsigned(int index, std::uint64_t value) noexcept;
  Statement& bind_blob(int index, std::string_view bytes) noexcept;
  Statement& bind_text(int index, std::string_view text) noexcept;

  Step step() noexcept;
  /// Ends the read transaction that a SELECT holds.
  void reset() noexcept;

  std::int64_t integer(int column) const noexcept;
  std::uint64_t natural(int column) const noexcept;   ///< stored as the same 64 bits, signed
  std::string_view bytes(int column) const noexcept;  ///< valid until the next step

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Resets a statement on every way out.
class Run {
 public:
  explicit Run(Statement& statement) : statement_(statement) {}
  ~Run() { statement_.reset(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

 private:
  Statement& statement_;
};

/// `frozen`: read only, and nobody else writes while it is open, so that nothing beside the file is
/// touched either.
enum class OpenMode : std::uint8_t { create, read_write, read_only, frozen };

/// One SQLite connection. Errors are `local`; with code "damaged" if the file is no sound database.
/// Damage found on the way leaves a mark beside the file, so that the next open checks all of it.
class Database {
 public:
  static Result<Database> open(const std::string& path, OpenMode mode);

  Result<void> execute(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  /// The single number that `sql` selects.
  Result<std::int64_t> number(std::string_view sql);
  /// The number of the row that was inserted last.
  std::int64_t last_number() const noexcept;
  /// Writes the WAL back and cuts it to nothing; what readers still need stays for the next time.
  Result<void> checkpoint();

  /// The error of the call that just failed.
  Error error() const;
  /// The same of an SQLite code that was told otherwise.
  Error error(int code) const;
  /// Leaves the mark.
  void note_suspicion() const;
  const std::string& path() const noexcept { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* connection) const noexcept;
  };
  std::unique_ptr<sqlite3, Close> connection_;
  std::string path_;
};

/// The name of the mark that Database leaves where it met damage.
std::string suspicion_path(const std::string& path);

}  // namespace sluice::record

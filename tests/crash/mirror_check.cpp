#include "mirror_check.hpp"

#include "temporary_directory.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <memory>
#include <sys/stat.h>

namespace sluice::crash {

namespace fs = std::filesystem;

namespace {

struct File {
  std::string bytes;
  std::int64_t mtime_ns = 0;
  bool is_regular = false;
};

struct Row {
  std::string key;
  std::string etag;
  std::uint64_t size = 0;
  std::int64_t modified_ms = 0;
  std::int64_t mtime_ns = 0;
};

using Violations = std::vector<std::string>;

std::map<std::string, File> files_of(const std::string& dir, Violations& violations) {
  std::map<std::string, File> files;
  if (!fs::exists(dir)) return files;
  for (auto it = fs::recursive_directory_iterator(dir); it != fs::recursive_directory_iterator();
       ++it) {
    if (it.depth() == 0 && it->path().filename() == ".sluice") {
      it.disable_recursion_pending();
      continue;
    }
    struct stat st {};
    if (::lstat(it->path().c_str(), &st) != 0) {
      violations.push_back("lstat " + it->path().string() + ": " + std::strerror(errno));
      continue;
    }
    if (S_ISDIR(st.st_mode)) continue;
    File file;
    file.is_regular = S_ISREG(st.st_mode);
    file.mtime_ns = st.st_mtim.tv_sec * 1'000'000'000 + st.st_mtim.tv_nsec;
    if (file.is_regular) file.bytes = fake::read_file(it->path().string());
    files[fs::relative(it->path(), dir).string()] = std::move(file);
  }
  return files;
}

bool same_bytes(const std::string& bytes, const origin::Object& version) {
  if (bytes.size() != version.info.size) return false;
  char block[64 << 10];
  for (std::size_t at = 0; at < bytes.size(); at += sizeof block) {
    const std::size_t n = version.content->read(at, block, sizeof block);
    if (std::memcmp(bytes.data() + at, block, n) != 0) return false;
  }
  return true;
}

std::string described(const std::string& key, const File& file) {
  const bool zeros = std::all_of(file.bytes.begin(), file.bytes.end(), [](char c) { return !c; });
  return "'" + key + "' (" + std::to_string(file.bytes.size()) + " bytes" +
         (zeros && !file.bytes.empty() ? ", all zero" : "") + ")";
}

/// Which version the file is; the newest if several are the same. nullopt is a violation.
std::optional<std::size_t> version_of(const std::string& key, const File& file,
                                      const KeyHistory& history, Violations& violations) {
  std::optional<std::size_t> wrong_time;
  for (std::size_t i = history.versions.size(); i-- > 0;) {
    const origin::Object& version = history.versions[i];
    if (!same_bytes(file.bytes, version)) continue;
    if (file.mtime_ns == version.info.modified_ms * 1'000'000) {
      if (i >= history.floor) return i;
      violations.push_back(described(key, file) + " is older than the last complete mirror");
      return std::nullopt;
    }
    if (!wrong_time) wrong_time = i;
  }
  violations.push_back(described(key, file) +
                       (wrong_time ? " has the time of no version" : " is torn: no version"));
  return std::nullopt;
}

std::string text_of(sqlite3_stmt* statement, int column) {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement, column));
  return {data != nullptr ? data : "",
          static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

/// Calls `on_row` for each row; false and a violation if SQLite complains.
template <class OnRow>
bool query(sqlite3* database, const char* sql, Violations& violations, OnRow on_row) {
  sqlite3_stmt* raw = nullptr;
  int status = sqlite3_prepare_v2(database, sql, -1, &raw, nullptr);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
  while (status == SQLITE_OK || status == SQLITE_ROW) {
    status = sqlite3_step(raw);
    if (status == SQLITE_ROW) on_row(raw);
  }
  if (status == SQLITE_DONE) return true;
  violations.push_back(std::string("record.db: ") + sql + ": " + sqlite3_errmsg(database));
  return false;
}

/// From a copy, so that recovering the log here does not do the program's work. No record at all is
/// an empty one.
std::vector<Row> rows_of(const std::string& dir, Violations& violations) {
  std::vector<Row> rows;
  const std::string record = dir + "/.sluice/record.db";
  if (!fs::exists(record)) return rows;
  const fake::TemporaryDirectory copy;
  for (const char* suffix : {"", "-wal"})
    if (fs::exists(record + suffix))
      fs::copy_file(record + suffix, copy / (std::string("r.db") + suffix));

  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2((copy / "r.db").c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(raw, sqlite3_close);
  if (opened != SQLITE_OK) {
    violations.push_back(std::string("record.db cannot be opened: ") + sqlite3_errmsg(raw));
    return rows;
  }
  query(raw, "PRAGMA integrity_check", violations, [&](sqlite3_stmt* s) {
    const std::string said = text_of(s, 0);
    if (said != "ok") violations.push_back("record.db: integrity_check: " + said);
  });
  bool has_table = false;
  query(raw, "SELECT 1 FROM sqlite_master WHERE name = 'objects'", violations,
        [&](sqlite3_stmt*) { has_table = true; });
  if (!has_table) return rows;
  query(raw, "SELECT key, etag, size, modified_ms, mtime_ns FROM objects WHERE state = 1",
        violations, [&](sqlite3_stmt* s) {
          rows.push_back({text_of(s, 0), text_of(s, 1),
                          static_cast<std::uint64_t>(sqlite3_column_int64(s, 2)),
                          sqlite3_column_int64(s, 3), sqlite3_column_int64(s, 4)});
        });
  return rows;
}

std::optional<std::size_t> version_of(const Row& row, const KeyHistory& history) {
  for (std::size_t i = history.versions.size(); i-- > 0;) {
    const origin::ObjectInfo& info = history.versions[i].info;
    if (info.etag == '"' + row.etag + '"' && info.size == row.size &&
        info.modified_ms == row.modified_ms)
      return i;
  }
  return std::nullopt;
}

/// The row against what its file is found to be.
void check_row(const Row& row, const KeyHistory& history, const File* file,
               std::optional<std::size_t> file_version, Violations& violations) {
  const std::string name = "the row of '" + row.key + "' ";
  const auto row_version = version_of(row, history);
  if (!row_version) {
    violations.push_back(name + "is of no version");
  } else if (file == nullptr) {
    // A removed file's row goes after its file; a row of a new version never comes before it.
    const bool was_removed = !history.present || *row_version < history.floor;
    if (!history.may_be_absent || !was_removed) violations.push_back(name + "names no file");
  } else if (file_version && *file_version < *row_version) {
    violations.push_back(name + "is ahead of its file");
  } else if (file_version == row_version &&
             (row.size != file->bytes.size() || row.mtime_ns != file->mtime_ns)) {
    violations.push_back(name + "has another size or time than its file");
  }
}

}  // namespace

Findings check_after_crash(const std::string& dir, const Histories& keys) {
  Findings findings;
  const auto files = files_of(dir, findings.violations);
  std::map<std::string, std::size_t> file_versions;
  for (const auto& [key, file] : files) {
    const auto known = keys.find(key);
    if (known == keys.end() || !file.is_regular) {
      findings.violations.push_back(described(key, file) + " was never in the bucket");
      continue;
    }
    if (const auto version = version_of(key, file, known->second, findings.violations))
      file_versions[key] = *version;
  }
  std::map<std::string, Row> rows;
  for (Row& row : rows_of(dir, findings.violations)) {
    const auto known = keys.find(row.key);
    if (known == keys.end()) {
      findings.violations.push_back("the row of '" + row.key + "' is of no key");
      continue;
    }
    const auto file = files.find(row.key);
    const auto version = file_versions.find(row.key);
    check_row(row, known->second, file != files.end() ? &file->second : nullptr,
              version != file_versions.end() ? std::optional(version->second) : std::nullopt,
              findings.violations);
    std::string key = row.key;
    rows.emplace(std::move(key), std::move(row));
  }
  for (const auto& [key, history] : keys) {
    if (!history.may_be_absent && !files.contains(key))
      findings.violations.push_back("'" + key + "' was mirrored and is missing");
    if (!history.changed()) continue;
    const std::size_t newest = history.versions.size() - 1;
    const auto file = file_versions.find(key);
    const auto row = rows.find(key);
    const bool file_new = file != file_versions.end() && file->second == newest;
    const bool row_new = row != rows.end() && version_of(row->second, history) == newest;
    ++(file_new ? findings.files_new : findings.files_old);
    ++(row_new ? findings.rows_new : findings.rows_old);
  }
  return findings;
}

std::vector<std::string> check_equal(const std::string& dir, const Histories& keys) {
  Violations violations;
  const auto files = files_of(dir, violations);
  std::map<std::string, Row> rows;
  for (Row& row : rows_of(dir, violations)) {
    std::string key = row.key;
    rows.emplace(std::move(key), std::move(row));
  }
  std::size_t present = 0;
  for (const auto& [key, history] : keys) {
    if (!history.present) continue;
    ++present;
    const origin::Object& current = history.versions.back();
    const auto file = files.find(key);
    const auto row = rows.find(key);
    if (file == files.end() || !same_bytes(file->second.bytes, current) ||
        file->second.mtime_ns != current.info.modified_ms * 1'000'000)
      violations.push_back("'" + key + "' is not as in the bucket");
    else if (row == rows.end() || version_of(row->second, history) != history.versions.size() - 1 ||
             row->second.mtime_ns != file->second.mtime_ns)
      violations.push_back("the row of '" + key + "' is not as in the bucket");
  }
  if (files.size() != present)
    violations.push_back(std::to_string(files.size()) + " files of " + std::to_string(present));
  if (rows.size() != present)
    violations.push_back(std::to_string(rows.size()) + " rows of " + std::to_string(present));
  const std::string staging = dir + "/.sluice/staging";
  if (fs::exists(staging))
    for (const auto& entry : fs::recursive_directory_iterator(staging))
      if (!entry.is_directory()) violations.push_back("left behind: " + entry.path().string());
  return violations;
}

}  // namespace sluice::crash

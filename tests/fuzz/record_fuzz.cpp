// The record: a file of any bytes, or a sound one in which some bytes are changed.
//
// The first byte says which. Changes are runs of: page (1 byte), offset in it (2), length (1), and
// so many bytes. The file that is changed is made here.

#include "property.hpp"
#include "record/record.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace sluice::fuzz {
namespace {

namespace fs = std::filesystem;
using record::Record;

constexpr std::size_t kPageBytes = 4096;
const record::Source kSource{"host", "bucket", "prefix/"};

/// In memory, and of this process alone.
const fs::path& folder() {
  static const fs::path path = [] {
    const bool has_memory = ::access("/dev/shm", W_OK) == 0;
    fs::path made = has_memory ? fs::path("/dev/shm") : fs::temp_directory_path();
    made /= "sluice-fuzz-record-" + std::to_string(::getpid());
    fs::create_directories(made);
    std::atexit([] { fs::remove_all(folder()); });
    return made;
  }();
  return path;
}

ObjectRow row_of(const std::string& key) {
  ObjectRow row;
  row.key = key;
  row.version = Version{"etag", 100, 1'700'000'000'000};
  row.proof = Proof::md5;
  row.digest = Digest{DigestKind::md5, std::string(16, 'd')};
  return row;
}

void empty_folder() {
  for (const auto& entry : fs::directory_iterator(folder()))
    fs::remove(entry.path());
}

std::string sound_record() {
  empty_folder();
  const std::string path = folder() / "record.db";
  {
    auto made = Record::open(path, kSource, record::Adopt::no).value();
    record::Batch batch;
    for (int i = 0; i < 100; ++i)
      batch.upserts.push_back(row_of("prefix/key" + std::to_string(i)));
    batch.pending.push_back(PendingRow{row_of("prefix/pending"), "0/1"});
    batch.partials.push_back(
        PartialRow{"prefix/partial", Version{"e", 1 << 20, 0}, 1 << 16, "0/2", {{0, 1}, {3, 2}}});
    require(made->commit(batch).has_value(), "a record can be made");
    require(made->begin_pass(1).has_value(), "a record can be made");
    require(made->checkpoint().has_value(), "a record can be made");
  }
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string changed(Input input) {
  static const std::string sound = sound_record();
  std::string bytes = sound;
  while (!input.rest().empty()) {
    const std::size_t at = input.byte() * kPageBytes + input.number() % kPageBytes;
    const std::string_view with = input.bytes(1 + input.byte() % 32);
    if (at + with.size() <= bytes.size()) bytes.replace(at, with.size(), with);
  }
  return bytes;
}

/// Everything that a pass asks of it. Errors are fine; crashes, loops and lies are not.
void use(Record& record) {
  std::string after;
  for (int chunk = 0; chunk < 4; ++chunk) {
    const auto rows = record.rows_after(after, 40);
    if (!rows || rows->empty()) break;
    for (const ObjectRow& row : *rows) {
      require(row.key > after || (after.empty() && row.key.empty()), "rows come in order");
      after = row.key;
    }
  }
  static_cast<void>(record.pending());
  if (const auto names = record.partial_names()) {
    for (const auto& name : *names)
      static_cast<void>(record.find_partial(name.key));
  }
  static_cast<void>(record.totals());
  static_cast<void>(record.last_passes(10));
  record::Batch batch;
  batch.upserts.push_back(row_of("prefix/new"));
  batch.deletes.push_back("prefix/key7");
  batch.placed.push_back({1, 2});
  batch.settled.push_back({1, 2});
  batch.ended_partials.push_back("prefix/partial");
  const auto id = record.begin_pass(2);
  if (record.commit(batch)) {
    const auto found = record.find("prefix/new");
    require(!found || (*found && (*found)->version == batch.upserts[0].version),
            "what was committed is there");
  }
  if (id) {
    record::PassRow pass;
    pass.id = *id;
    static_cast<void>(record.end_pass(pass));
  }
  static_cast<void>(record.checkpoint());
}

void check(const std::string& bytes) {
  empty_folder();
  const std::string path = folder() / "record.db";
  std::ofstream(path, std::ios::binary) << bytes;
  if (auto looked = Record::connect(path, record::Access::read_only)) {
    static_cast<void>((*looked)->totals());
    static_cast<void>((*looked)->last_passes(10));
  }
  auto opened = Record::open(path, kSource, record::Adopt::no);
  if (!opened) {
    // A newer schema, or another source's.
    require(opened.error().code != "damaged", "a damaged record is replaced");
    opened = Record::open(path, kSource, record::Adopt::yes);
  }
  if (!opened) return;
  if ((*opened)->was_damaged()) {
    const auto rows = (*opened)->rows_after("", 1);
    require(rows && rows->empty(), "a new record is empty");
  }
  use(**opened);
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sluice::fuzz::Input input(data, size);
  const bool changes = input.byte() % 2 == 0;
  sluice::fuzz::check(changes ? sluice::fuzz::changed(input) : std::string(input.rest()));
  return 0;
}

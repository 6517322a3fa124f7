// One pass whose groups are committed often: grouped_sync ENDPOINT BUCKET DIR PART_BYTES AGE_MS
// full|files (what --durability says).
// A pass of the tests is over within a second, which would be one group.

#include "sluice/mirror.hpp"

#include <iostream>
#include <string>

namespace {

class Quiet final : public sluice::Observer {
 public:
  void on_object(const sluice::ObjectEvent& event) override {
    if (event.error != nullptr) std::cerr << event.error->message << '\n';
  }
  void on_message(sluice::Level level, std::string_view text) override {
    if (level >= sluice::Level::warning) std::cerr << text << '\n';
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return static_cast<int>(sluice::ExitStatus::usage);
  sluice::MirrorOptions options;
  options.source.endpoint_url = argv[1];
  options.source.bucket = argv[2];
  options.dir = argv[3];
  options.tuning.part_bytes = std::stoull(argv[4]);
  options.tuning.group_age = std::chrono::milliseconds(std::stoi(argv[5]));
  if (std::string(argv[6]) == "files")
    options.durability = sluice::MirrorOptions::Durability::each_file;
  options.delete_extraneous = true;
  options.max_delete.percent = 100;
  Quiet quiet;
  sluice::Mirror mirror(options, quiet);
  const sluice::PassSummary summary = mirror.sync();
  if (summary.failure) std::cerr << summary.failure->message << '\n';
  return static_cast<int>(exit_status(summary));
}

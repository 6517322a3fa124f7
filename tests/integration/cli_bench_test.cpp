#include "base/units.hpp"
#include "cli_fixture.hpp"

#include <simdjson.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <thread>

namespace sluice::testing {
namespace {

namespace fs = std::filesystem;
using units::MiB;

class CliBench : public Cli {
 protected:
  void SetUp() override {
    Cli::SetUp();
    fs::create_directories(scratch());
  }

  std::string scratch() const { return work_ / "scratch"; }
  Words words(Words flags) const {
    Words out = {"bench", "s3://photos", "--scratch", scratch()};
    out.insert(out.end(), flags.begin(), flags.end());
    return out;
  }
  Ran bench(Words flags = {}) { return run(words(std::move(flags))); }

  void fill(std::size_t objects, std::uint64_t bytes) {
    for (std::size_t i = 0; i < objects; ++i)
      bucket_->put_generated("folder/object-" + std::to_string(i), bytes, i);
  }
  /// Of objects: list pages and errors are no content.
  std::uint64_t bytes_sent() const {
    std::uint64_t sum = 0;
    for (const auto& request : server_->requests())
      if (request.operation == Operation::get) sum += request.body_bytes_sent;
    return sum;
  }
  void expect_no_scratch() const {
    EXPECT_TRUE(fs::is_empty(scratch())) << fs::directory_iterator(scratch())->path();
  }
};

std::string recommended_in(const std::string& out) {
  std::smatch found;
  if (!std::regex_search(out, found, std::regex("\nrecommended: (.*)\n"))) return "";
  return found[1];
}

Words split(const std::string& line) {
  std::istringstream in(line);
  Words out;
  for (std::string word; in >> word;)
    out.push_back(word);
  return out;
}

TEST_F(CliBench, RecommendsFlagsThatSyncTakes) {
  fill(300, 100'000);
  const Ran ran = bench({"--budget", "64MiB", "--time-limit", "60s"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(has(ran.out, "s3://photos: of the first 300 keys, 28.6 MiB, each trial fetches"))
      << ran.out;
  EXPECT_TRUE(has_line(ran.out, " *transfers +part +threads +rate .*")) << ran.out;
  EXPECT_TRUE(has_line(ran.out, " +(16|32) +8 MiB +[0-9]+ +[0-9.]+ .iB/s .*")) << ran.out;
  EXPECT_TRUE(has_line(ran.out, "> .*#.*")) << ran.out;
  EXPECT_TRUE(has_line(ran.out, "cost: .* of objects asked for, .* GET, .* LIST")) << ran.out;
  const std::string flags = recommended_in(ran.out);
  ASSERT_FALSE(flags.empty()) << ran.out;
  expect_no_scratch();
  EXPECT_LE(bytes_sent(), 64 * MiB);
  EXPECT_GT(bytes_sent(), 8 * MiB) << "it measured next to nothing";
  if (flags != "no flags") {
    EXPECT_EQ(sync(split(flags)).status, 0) << flags;
  }
}

TEST_F(CliBench, TheBudgetHoldsWhenObjectsAreAskedForAgain) {
  fill(40, 200'000);
  origin::Rule every_other = rule(Operation::get, faults::flip(1000));
  every_other.match.every = 2;
  server_->set_faults({every_other});
  const Ran ran = bench({"--budget", "24MiB", "--time-limit", "60s"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_LE(bytes_sent(), 24 * MiB);
  EXPECT_TRUE(has(ran.out, "the budget was used up")) << ran.out;
  expect_no_scratch();
}

TEST_F(CliBench, OfObjectsThatAreTooLargeTheBeginningIsFetched) {
  bucket_->put_generated("huge", 256 * MiB, 1, 0, {.etag = "\"opaque\""});
  const Ran ran =
      bench({"--budget", "32MiB", "--time-limit", "60s", "-j", "4", "--verify", "strict"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(has(ran.out, "of each only the beginning")) << ran.out;
  EXPECT_LE(bytes_sent(), 32 * MiB);
  EXPECT_FALSE(has(recommended_in(ran.out), "--transfers")) << "it was given: " << ran.out;
  expect_no_scratch();
}

TEST_F(CliBench, JsonIsOneObject) {
  fill(50, 50'000);
  const Ran ran = bench({"--budget", "16MiB", "--time-limit", "60s", "--json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  simdjson::dom::parser parser;
  const simdjson::dom::element json = parser.parse(ran.out);
  EXPECT_EQ(std::string_view(json["event"]), "bench");
  EXPECT_GE(json["trials"].get_array().size(), 3U);
  EXPECT_LE(std::uint64_t(json["asked_for_bytes"]), 16 * MiB);
  EXPECT_GE(std::uint64_t(json["asked_for_bytes"]), bytes_sent());
  EXPECT_EQ(std::uint64_t(json["requests"]["get"]), requests(Operation::get));
  EXPECT_EQ(std::uint64_t(json["requests"]["list"]), requests(Operation::list));
  EXPECT_FALSE(bool(json["interrupted"]));
  for (const simdjson::dom::element trial : json["trials"]) {
    EXPECT_GT(std::uint64_t(trial["size_bytes"]), 0U);
    EXPECT_GT(std::uint64_t(trial["cpu_us"]), 0U);
    EXPECT_LE(std::uint64_t(trial["first_byte_p50_us"]), std::uint64_t(trial["first_byte_p99_us"]));
  }
}

TEST_F(CliBench, LatencyIsThatOfTheFirstByte) {
  fill(40, 1000);
  server_->set_faults({rule(Operation::get, faults::delay(30ms))});
  const Ran ran = bench({"--budget", "1MiB", "--time-limit", "60s", "--json", "-j", "8"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  simdjson::dom::parser parser;
  const simdjson::dom::element json = parser.parse(ran.out);
  for (const simdjson::dom::element trial : json["trials"])
    EXPECT_GE(std::uint64_t(trial["first_byte_p50_us"]), 30'000U);
}

TEST_F(CliBench, ListingIsMeasuredWhereThereAreKeysEnough) {
  for (int i = 0; i < 12'000; ++i)
    bucket_->put("key-" + std::to_string(100'000 + i), "x");
  server_->set_faults({rule(Operation::list, faults::delay(100ms))});
  const Ran ran = bench({"--budget", "1MiB", "--time-limit", "12s", "-j", "8", "--threads", "1"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(has_line(ran.out, " *lists at once .*")) << ran.out;
  EXPECT_TRUE(has(recommended_in(ran.out), "--list-concurrency ")) << ran.out;
  EXPECT_FALSE(has(recommended_in(ran.out), "--list-concurrency 1 ")) << ran.out;
}

TEST_F(CliBench, ASignalLeavesNothing) {
  fill(64, 1'000'000);
  server_->set_faults({rule(Operation::get, faults::rate(2 << 20))});
  for (const int number : {SIGINT, SIGTERM}) {
    server_->clear_requests();
    Program program(options(words({"--budget", "256MiB"})));
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (requests(Operation::get) < 3 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(5ms);
    EXPECT_FALSE(fs::is_empty(scratch()));
    program.signal(number);
    EXPECT_EQ(program.wait(10s), 128 + number) << program.out() << program.err();
    EXPECT_TRUE(has(program.out(), "nothing is recommended")) << program.out();
    expect_no_scratch();
  }
}

TEST_F(CliBench, SaysWhatIsInTheWay) {
  expect(bench(), 2, "s3://photos has no object that could be fetched");
  bucket_->put("empty", "");
  bucket_->put("cold", "x", 0, {.storage_class = "GLACIER"});
  expect(bench(), 2, "only archived and empty objects");
  fill(10, 1000);
  expect(bench({"--exclude", "*"}), 2, "nothing to measure with");
  expect(run({"bench", "s3://nothing", "--scratch", scratch()}), 3, "nothing");
  expect(run({"bench", "s3://photos", "--scratch", work_ / "missing"}), 6, "--scratch");
  expect(bench({"--budget", "10KiB"}), 2, "--budget");
  expect(bench({"--time-limit", "5ms"}), 2, "--time-limit");
  server_->set_faults({rule(Operation::get, faults::status(403, "AccessDenied"))});
  expect(bench(), 4, "folder/object-");
  server_->set_faults({rule(Operation::list, faults::status(403, "AccessDenied"))});
  expect(bench(), 4, "list");
  expect_no_scratch();
}

TEST_F(CliBench, DrawsThePlotWhereItIsTold) {
  fill(20, 10'000);
  const std::string plot = work_ / "bench.svg";
  const Ran ran = bench({"--budget", "1MiB", "--time-limit", "60s", "--plot", plot, "-q"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_TRUE(ran.out == "\n" || ran.out.starts_with("--")) << "for scripts: " << ran.out;
  const std::string svg = read_file(plot);
  EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n")) << svg;
  EXPECT_TRUE(has(svg, "s3://photos") && has(svg, "recommended: ")) << svg;
  expect(bench({"--budget", "1MiB", "--plot", work_ / "missing/plot.svg"}), 6, "plot");
}

}  // namespace
}  // namespace sluice::testing

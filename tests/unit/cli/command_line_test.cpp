#include "command_line.hpp"

#include "flags.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

namespace sluice::cli {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

class CommandLine : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "sluice-cli-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<std::variant<Command, Information>> parse(const Words& words) {
    return parse_command_line(words, [this](const char* name) -> const char* {
      const auto found = environment_.find(name);
      return found == environment_.end() ? nullptr : found->second.c_str();
    });
  }
  Settings settings(const Words& words) {
    const auto parsed = parse(words);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
    const Command* command = parsed ? std::get_if<Command>(&*parsed) : nullptr;
    return command != nullptr ? command->settings : Settings{};
  }
  Settings sync(Words flags) {
    flags.insert(flags.begin(), {"sync", "s3://b/p", "dir"});
    return settings(flags);
  }
  std::string mistake(const Words& words) {
    const auto parsed = parse(words);
    EXPECT_FALSE(parsed);
    if (parsed) return "";
    EXPECT_EQ(parsed.error().kind, ErrorKind::usage);
    return parsed.error().message;
  }
  std::string sync_mistake(Words flags) {
    flags.insert(flags.begin(), {"sync", "s3://b/p", "dir"});
    return mistake(flags);
  }
  std::string config(std::string_view content) {
    const std::string path = folder_ / "site.toml";
    std::ofstream(path) << content;
    return path;
  }

  std::filesystem::path folder_;
  std::map<std::string, std::string> environment_;
};

std::string filters_of(const Settings& settings) {
  std::string out;
  for (const FilterRule& rule : settings.mirror.filters)
    out += (rule.kind == FilterRule::Kind::include ? '+' : '-') + rule.pattern + ' ';
  return out;
}

TEST_F(CommandLine, DefaultsAreThoseOfTheEngine) {
  const Settings given = sync({});
  const MirrorOptions defaults;
  EXPECT_EQ(given.mirror.source.bucket, "b");
  EXPECT_EQ(given.mirror.source.prefix, "p/");
  EXPECT_EQ(given.mirror.dir, "dir");
  EXPECT_EQ(given.mirror.tuning.part_bytes, defaults.tuning.part_bytes);
  EXPECT_EQ(given.mirror.tuning.max_attempts, defaults.tuning.max_attempts);
  EXPECT_EQ(given.mirror.max_delete.percent, 50U);
  EXPECT_TRUE(given.mirror.source.sign);
  EXPECT_TRUE(given.mirror.source.verify_tls);
  EXPECT_FALSE(given.mirror.delete_extraneous);
  EXPECT_FALSE(given.output.log_level);
}

TEST_F(CommandLine, EveryFlagReachesItsOption) {
  const Settings s = settings({"sync",
                               "--endpoint-url",
                               "http://h:9000",
                               "--region=r",
                               "--profile",
                               "p",
                               "--ca-bundle",
                               "/ca",
                               "--no-sign-request",
                               "--no-verify-ssl",
                               "--request-payer",
                               "--addressing-style",
                               "virtual",
                               "--delete",
                               "--max-delete",
                               "10%",
                               "--allow-empty-source",
                               "--delete-confirm",
                               "none",
                               "-n",
                               "-c",
                               "--local-changes",
                               "keep",
                               "--adopt",
                               "--adopt-by",
                               "size-mtime",
                               "--verify",
                               "strict",
                               "--durability",
                               "none",
                               "-j8",
                               "--threads",
                               "3",
                               "--part-size",
                               "16M",
                               "--memory",
                               "1GiB",
                               "--max-attempts",
                               "4",
                               "--list-concurrency",
                               "16",
                               "--publish-link",
                               "/srv/live",
                               "--keep-generations",
                               "3",
                               "-v",
                               "--progress",
                               "never",
                               "--log-level",
                               "warning",
                               "--log-file",
                               "/log",
                               "--log-format",
                               "journal",
                               "s3://b",
                               "dir"});
  const MirrorOptions& m = s.mirror;
  EXPECT_EQ(m.source.endpoint_url, "http://h:9000");
  EXPECT_EQ(m.source.region, "r");
  EXPECT_EQ(m.source.profile, "p");
  EXPECT_EQ(m.source.ca_bundle, "/ca");
  EXPECT_FALSE(m.source.sign);
  EXPECT_FALSE(m.source.verify_tls);
  EXPECT_TRUE(m.source.request_payer);
  EXPECT_EQ(m.source.addressing, SourceOptions::Addressing::virtual_host);
  EXPECT_TRUE(m.delete_extraneous);
  EXPECT_EQ(m.max_delete.percent, 10U);
  EXPECT_FALSE(m.max_delete.files);
  EXPECT_TRUE(m.allow_empty_source);
  EXPECT_EQ(m.delete_confirm, MirrorOptions::DeleteConfirm::none);
  EXPECT_TRUE(m.dry_run);
  EXPECT_EQ(m.compare, MirrorOptions::Compare::checksum);
  EXPECT_EQ(m.tuning.list_concurrency, 16U);
  EXPECT_EQ(m.local_changes, MirrorOptions::LocalChanges::keep);
  EXPECT_TRUE(m.adopt);
  EXPECT_EQ(m.adopt_by, MirrorOptions::AdoptBy::size_mtime);
  EXPECT_EQ(m.verify, MirrorOptions::Verify::strict);
  EXPECT_EQ(m.durability, MirrorOptions::Durability::none);
  EXPECT_EQ(m.tuning.transfers, 8U);
  EXPECT_EQ(m.tuning.threads, 3U);
  EXPECT_EQ(m.tuning.part_bytes, 16U << 20);
  EXPECT_EQ(m.tuning.memory_bytes, 1U << 30);
  EXPECT_EQ(m.tuning.max_attempts, 4U);
  EXPECT_EQ(m.publish_link, "/srv/live");
  EXPECT_EQ(m.keep_generations, 3U);
  EXPECT_EQ(s.output.verbosity, OutputSettings::Verbosity::verbose);
  EXPECT_EQ(s.output.progress, OutputSettings::Progress::never);
  EXPECT_EQ(s.output.log_level, Level::warning);
  EXPECT_EQ(s.output.log_file, "/log");
  EXPECT_EQ(s.output.log_format, report::LogFormat::journal);
  EXPECT_EQ(sync({"--size-only"}).mirror.compare, MirrorOptions::Compare::size_only);
  EXPECT_EQ(sync({"--max-delete=7"}).mirror.max_delete.files, 7U);
  EXPECT_EQ(sync({"-q"}).output.verbosity, OutputSettings::Verbosity::quiet);
  EXPECT_TRUE(sync({"--request-payer=requester"}).mirror.source.request_payer);
  EXPECT_EQ(settings({"watch", "s3://b", "d", "--interval", "5m"}).watch.interval, 5min);
  const Settings ls = settings({"ls", "--summarize", "--human-readable", "s3://b"});
  EXPECT_TRUE(ls.listing.summarize);
  EXPECT_TRUE(ls.listing.human_readable);
}

TEST_F(CommandLine, FiltersKeepTheirOrderAcrossBothFlags) {
  EXPECT_EQ(filters_of(sync(
                {"--exclude", "*", "--include", "*.jpg", "--exclude=x/*", "--include", "[ab]"})),
            "-* +*.jpg -x/* +[ab] ");
  EXPECT_EQ(filters_of(sync({"--exclude", "--odd"})), "---odd ");
  EXPECT_EQ(filters_of(sync({"--exclude=a,b", "--include=[a,b]"})), "-a,b +[a,b] ");
}

TEST_F(CommandLine, TheLastOfARepeatedFlagWins) {
  EXPECT_EQ(sync({"-j", "2", "--transfers", "3", "-j4"}).mirror.tuning.transfers, 4U);
  EXPECT_FALSE(sync({"--delete", "--delete=false"}).mirror.delete_extraneous);
  EXPECT_EQ(sync({"-v", "-q"}).output.verbosity, OutputSettings::Verbosity::quiet);
  EXPECT_TRUE(sync({"-nv"}).mirror.dry_run);
}

TEST_F(CommandLine, FlagsMayStandAnywhereAndEndWithTwoDashes) {
  EXPECT_TRUE(settings({"sync", "s3://b", "--delete", "d"}).mirror.delete_extraneous);
  EXPECT_EQ(settings({"sync", "--", "s3://b", "--delete"}).mirror.dir, "--delete");
  EXPECT_EQ(settings({"sync", "s3://b", "watch"}).mirror.dir, "watch");
}

TEST_F(CommandLine, RangesNameTheFlagTheRangeAndAnExample) {
  EXPECT_EQ(sync_mistake({"--transfers", "0"}),
            "--transfers: \"0\" is not a number from 1 to 4096, or auto; write for example 64");
  EXPECT_EQ(sync_mistake({"--part-size", "1K"}),
            "--part-size: \"1K\" is not a size from 64 KiB to 5 GiB; write for example 8MiB");
  for (const Words& words :
       {Words{"-j", "4097"}, Words{"-j", "x"}, Words{"--threads", "65"}, Words{"--threads=-1"},
        Words{"--memory", "1MiB"}, Words{"--list-concurrency", "0"},
        Words{"--list-concurrency", "257"}, Words{"--max-attempts", "0"},
        Words{"--max-attempts", "101"}, Words{"--max-delete", "101%"}, Words{"--max-delete", "%"},
        Words{"--max-delete", "many"}, Words{"--verify", "Strict"}, Words{"--delete=perhaps"},
        Words{"--exclude="}, Words{"--exclude", ""}, Words{"--log-level", "loud"}}) {
    const std::string message = sync_mistake(words);
    EXPECT_TRUE(message.starts_with("--")) << message;
  }
  EXPECT_NE(mistake({"watch", "s3://b", "d", "--interval", "0"}).find("1ms to 365d"),
            std::string::npos);
  EXPECT_EQ(sync({"-j", "auto", "--threads", "auto"}).mirror.tuning.transfers, 0U);
}

TEST_F(CommandLine, SuggestsWhatMayBeMeant) {
  EXPECT_EQ(sync_mistake({"--delte"}), "sluice sync has no flag --delte; did you mean --delete?");
  EXPECT_EQ(sync_mistake({"--dryrun=1"}),
            "sluice sync has no flag --dryrun; did you mean --dry-run?");
  EXPECT_EQ(sync_mistake({"--interval", "5s"}),
            "sluice sync has no flag --interval; it is for watch");
  EXPECT_EQ(sync_mistake({"--zzzzzz"}), "sluice sync has no flag --zzzzzz");
  EXPECT_EQ(mistake({"snyc"}), "\"snyc\" is no verb; did you mean sync?");
  EXPECT_NE(mistake({"frobnicate"}).find("sync, watch, ls, status"), std::string::npos);
  EXPECT_NE(mistake({"-v", "sync"}).find("after the verb"), std::string::npos);
  EXPECT_NE(mistake({}).find("sluice --help"), std::string::npos);
}

TEST_F(CommandLine, AFlagWithoutItsValueIsNamed) {
  EXPECT_EQ(sync_mistake({"--region"}),
            "--region needs a value: write for example --region eu-central-1");
  EXPECT_EQ(mistake({"sync", "--region=", "s3://b", "d"}), "--region lacks its value after =");
}

TEST_F(CommandLine, SourceAndDirectoryAreChecked) {
  EXPECT_NE(mistake({"sync"}).find("source is missing"), std::string::npos);
  EXPECT_NE(mistake({"sync", "s3://b"}).find("directory is missing"), std::string::npos);
  EXPECT_NE(mistake({"sync", "s3://b", ""}).find("directory is missing"), std::string::npos);
  EXPECT_NE(mistake({"sync", "d", "s3://b"}).find("only downloads"), std::string::npos);
  EXPECT_NE(mistake({"sync", "s3://b", "s3://c"}).find("only downloads"), std::string::npos);
  EXPECT_NE(mistake({"sync", "s3://b", "d", "e"}).find("\"e\" is one argument too many"),
            std::string::npos);
  EXPECT_NE(mistake({"ls", "s3://b", "d"}).find("too many"), std::string::npos);
}

TEST_F(CommandLine, EnvironmentSetsEveryFlagAndEmptyIsUnset) {
  environment_ = {{"SLUICE_TRANSFERS", "7"},   {"SLUICE_DELETE", "yes"},
                  {"SLUICE_REGION", ""},       {"SLUICE_EXCLUDE", "*\nb"},
                  {"SLUICE_INCLUDE", "*.jpg"}, {"SLUICE_INTERVAL", "nonsense for sync"},
                  {"AWS_MAX_ATTEMPTS", "5"}};
  const Settings s = sync({});
  EXPECT_EQ(s.mirror.tuning.transfers, 7U);
  EXPECT_TRUE(s.mirror.delete_extraneous);
  EXPECT_EQ(s.mirror.source.region, "");
  EXPECT_EQ(filters_of(s), "-* -b +*.jpg ");
  EXPECT_EQ(s.mirror.tuning.max_attempts, 5U);
  environment_["SLUICE_TRANSFERS"] = "none";
  EXPECT_TRUE(sync_mistake({}).starts_with("SLUICE_TRANSFERS: \"none\""));
}

TEST_F(CommandLine, AProxysPasswordDoesNotBelongOnTheCommandLine) {
  EXPECT_EQ(sync({"--proxy", "http://p:3128"}).mirror.source.proxy, "http://p:3128");
  EXPECT_EQ(sync({"--proxy", "none"}).mirror.source.proxy, "none");
  const std::string words = sync_mistake({"--proxy", "http://u:secret@p:3128"});
  EXPECT_TRUE(words.starts_with("--proxy: ")) << words;
  EXPECT_NE(words.find("SLUICE_PROXY"), std::string::npos) << words;
  EXPECT_EQ(words.find("secret"), std::string::npos) << words;

  const std::string path = config("proxy = \"http://u:secret@p:3128\"");
  EXPECT_EQ(sync({"--config", path}).mirror.source.proxy, "http://u:secret@p:3128");
  environment_ = {{"SLUICE_PROXY", "http://u:other@p:3128"}};
  EXPECT_EQ(sync({"--config", path}).mirror.source.proxy, "http://u:other@p:3128");
}

TEST_F(CommandLine, AnOwnerIsAnAccountsId) {
  EXPECT_EQ(sync({"--expected-bucket-owner", "123456789012"}).mirror.source.expected_bucket_owner,
            "123456789012");
  for (const char* id : {"12345678901", "1234-5678-9012", "me"})
    EXPECT_NE(sync_mistake({"--expected-bucket-owner", id}).find("12 digits"), std::string::npos);
}

TEST_F(CommandLine, PricesAreOneNumberOrTwo) {
  EXPECT_FALSE(sync({}).prices);
  EXPECT_EQ(sync({"--request-price", "0.005"}).prices, (report::RequestPrices{0.005, 0}));
  EXPECT_EQ(sync({"--request-price", "0.005,0.0004"}).prices,
            (report::RequestPrices{0.005, 0.0004}));
  for (const char* value : {"", ",", "1,", "-1", "x", "1,2,3", "nan", "inf", "1e3", "0.5 "})
    EXPECT_FALSE(sync_mistake({"--request-price", value}).empty()) << value;
}

TEST_F(CommandLine, StrongerPlacesWin) {
  const std::string path = config(
      "transfers = 2\nthreads = 2\npart-size = \"2MiB\"\nmax-attempts = 2\nexclude = [\"file\"]\n"
      "[sync]\nthreads = 3\n[watch]\nthreads = 9\n");
  environment_ = {
      {"SLUICE_PART_SIZE", "4MiB"}, {"AWS_MAX_ATTEMPTS", "9"}, {"SLUICE_TRANSFERS", "5"}};
  const Settings s = sync({"--config", path, "-j", "6"});
  EXPECT_EQ(s.mirror.tuning.transfers, 6U);
  EXPECT_EQ(s.mirror.tuning.threads, 3U);
  EXPECT_EQ(s.mirror.tuning.part_bytes, 4U << 20);
  EXPECT_EQ(s.mirror.tuning.max_attempts, 2U);
  EXPECT_EQ(filters_of(s), "-file ");
  EXPECT_EQ(filters_of(sync({"--config", path, "--include", "mine"})), "+mine ");
  EXPECT_FALSE(
      sync({"--config", config("delete = true"), "--delete=false"}).mirror.delete_extraneous);
}

TEST_F(CommandLine, ConfigFileMayBeNamedByTheEnvironment) {
  environment_ = {{"SLUICE_CONFIG", config("transfers = 3")}};
  EXPECT_EQ(sync({}).mirror.tuning.transfers, 3U);
}

TEST_F(CommandLine, EveryFlagCanBeSetInTheConfigFile) {
  for (const Flag& flag : all_flags()) {
    if (flag.name == "config") continue;
    std::string value(flag.is_switch() ? "true" : flag.sample);
    if (!flag.is_switch() && value.front() != '"') value = '"' + value + '"';
    const std::string path = config(std::string(flag.name) + " = " + value + "\n");
    for (const std::string_view verb : {"sync", "watch", "ls"}) {
      Words words = {std::string(verb), "s3://b", "--config", path};
      if (verb != "ls") words.push_back("d");
      const auto parsed = parse(words);
      EXPECT_TRUE(parsed) << flag.name << ": " << (parsed ? "" : parsed.error().message);
    }
  }
}

TEST_F(CommandLine, MistakesInTheConfigFileNameFileLineAndRemedy) {
  const auto message = [this](std::string_view content) {
    return sync_mistake({"--config", config(content)});
  };
  const std::string path = folder_ / "site.toml";
  EXPECT_EQ(message("\ntransfer = 4"),
            path + ":2: there is no flag named transfer; did you mean transfers?");
  EXPECT_EQ(message("max_attempts = 4"),
            path + ":1: there is no flag named max_attempts; did you mean max-attempts?");
  EXPECT_EQ(message("transfers = 0"),
            path +
                ":1: transfers: \"0\" is not a number from 1 to 4096, or auto; write for "
                "example 64");
  EXPECT_EQ(message("transfers = [1, 2]"), path + ":1: transfers takes one value, not 2");
  EXPECT_EQ(message("config = \"x\""), path + ":1: a config file cannot name another");
  EXPECT_EQ(message("[sink]\ntransfers = 1"),
            path +
                ":2: there is no section [sink], only [sync], [watch], [ls], [status], [changes], "
                "[doctor] and [bench]");
  // Another verb's section is read as well.
  EXPECT_EQ(message("[ls]\ndelete = true"),
            path + ":2: there is no flag named delete; it is for sync and watch");
  EXPECT_NE(message("[watch]\ninterval = \"soon\"").find(":2: interval"), std::string::npos);
}

void expect_narrow(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    ASSERT_NE(end, std::string_view::npos);
    EXPECT_LE(end, 80U) << text.substr(0, end);
    text.remove_prefix(end + 1);
  }
}

TEST_F(CommandLine, HelpFitsATerminalAndListsEveryFlag) {
  for (const Verb verb : kVerbs) {
    const std::string name(name_of(verb));
    const auto parsed = parse({name, "--help"});
    ASSERT_TRUE(parsed);
    const std::string help = std::get<Information>(*parsed).text;
    for (const Flag& flag : all_flags())
      EXPECT_EQ(help.find("--" + std::string(flag.name) + ' ') != std::string::npos ||
                    help.find("--" + std::string(flag.name) + '\n') != std::string::npos,
                flag.applies_to(verb))
          << name << ' ' << flag.name;
    expect_narrow(help);
    EXPECT_EQ(std::get<Information>(*parse({"help", name})).text, help);
    EXPECT_EQ(std::get<Information>(*parse({name, "--nonsense", "-h"})).text, help);
  }
  EXPECT_NE(std::get<Information>(*parse({"--help"})).text.find("sluice watch"), std::string::npos);
  EXPECT_NE(std::get<Information>(*parse({"--version"})).text.find("0.1.0"), std::string::npos);
}

}  // namespace
}  // namespace sluice::cli

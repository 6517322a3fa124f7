#include "help.hpp"

#include "flags.hpp"

#include <fmt/format.h>

namespace sluice::cli {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kTextColumn = 28;

/// Breaks `text` at blanks; every line but the first is indented to kTextColumn.
std::string wrapped(std::string_view text) {
  const std::size_t width = kColumns - kTextColumn;
  std::string out;
  while (text.size() > width) {
    std::size_t cut = text.rfind(' ', width);
    if (cut == std::string_view::npos) cut = width;
    out += fmt::format("{}\n{:{}}", text.substr(0, cut), "", kTextColumn);
    text.remove_prefix(cut + 1);
  }
  out += text;
  return out + '\n';
}

std::string flag_help(const Flag& flag) {
  std::string name = flag.letter != '\0' ? fmt::format("  -{}, ", flag.letter) : "      ";
  name += fmt::format("--{}{}{}", flag.name, flag.is_switch() ? "" : " ", flag.value);
  // A long name has a line of its own.
  if (name.size() + 2 > kTextColumn) name += fmt::format("\n{:{}}", "", kTextColumn);
  return fmt::format("{:{}}", name, kTextColumn) + wrapped(flag.help);
}

std::string flags_help(Verb verb) {
  std::string out;
  const Flag* before = nullptr;
  for (const Flag& flag : all_flags()) {
    if (!flag.applies_to(verb)) continue;
    if (before == nullptr || before->group != flag.group)
      out += fmt::format("\n{}:\n", title_of(flag.group));
    out += flag_help(flag);
    before = &flag;
  }
  out += fmt::format("  {:{}}{}\n", "-h, --help", kTextColumn - 2, "This text.");
  return out;
}

constexpr std::string_view kSyncIntro =
    R"(Usage: sluice sync [flags] s3://BUCKET[/PREFIX] DIR

Makes DIR equal to the bucket, or to the folder PREFIX of it: fetches what is
new or changed, checks it, and with --delete removes what is gone. A file gets
its name only when it is whole and verified. An interrupted run is continued
by the next one.

Standard output has a line for each file that changed, and a summary; on a
terminal a progress line stands in for the former (-v shows them all the same).
Standard error has everything else.
)";

constexpr std::string_view kWatchIntro =
    R"(Usage: sluice watch [flags] s3://BUCKET[/PREFIX] DIR

Keeps DIR equal to the bucket: a pass as of `sluice sync` at every interval,
until SIGINT or SIGTERM. A pass that fails is logged and does not end it.

SIGUSR1 begins a pass at once; SIGHUP reads environment and --config again
(interval, jitter, filters, bwlimit, tpslimit and log level count at once, the
rest at the next start) and opens the log file anew.

Standard output has a line with the time for each file that changed; standard
error the log, with a line for each pass that changed something (-v: each pass).
)";

constexpr std::string_view kLsIntro =
    R"(Usage: sluice ls [flags] s3://BUCKET[/PREFIX]

Lists the keys of the bucket, or of the folder PREFIX of it, in their order:
time of the last change (UTC), size in bytes, key. Control characters in keys
are shown as \xNN, a backslash as \\.
)";

constexpr std::string_view kStatusIntro =
    R"(Usage: sluice status [flags] DIR

Says what the record of the mirror in DIR says: its source, what it holds, how
the last passes went, and which process is at work on it; of a watch that runs
also when its next pass begins, and what its polling asks for. Asks no server,
takes no lock and changes nothing, so it may be run at any time.
)";

constexpr std::string_view kBenchIntro =
    R"(Usage: sluice bench [flags] s3://BUCKET[/PREFIX]

Finds the flags that suit a bucket, a network and this machine: fetches a sample
of the bucket again and again with other numbers of transfers, part sizes and
threads, lists with other numbers of requests at once, and shows rate, CPU time
and latency of each. It ends with the cheapest setting of those that are as fast
as the fastest. A flag that you give is kept and not tried. With -q the flags
that are recommended are all that is printed.

Nothing is written but to a scratch folder, which is removed at the end. What is
asked for costs what it always costs: it is said before, and counted after. Let
nothing else run meanwhile.
)";

constexpr std::string_view kBenchExamples =
    R"(
Examples:
    sluice bench s3://photos
    sluice bench --budget 16GiB --time-limit 10m --scratch /srv s3://videos/2024
    sluice bench --threads 2 --plot bench.svg s3://photos
)";

constexpr std::string_view kBenchStatuses =
    R"(
Exit status:
    0   measured
    2   wrong usage, or the bucket has nothing to measure with
    3   no such bucket
    4   access denied, or bad or missing credentials
    5   endpoint, network or TLS trouble, throttling, invalid listing: try again
    6   local trouble: the scratch folder cannot be used, disk full
    130, 143  stopped by SIGINT, SIGTERM
)";

constexpr std::string_view kStatusExamples =
    R"(
Examples:
    sluice status /srv/photos
    sluice status --json /srv/photos
)";

constexpr std::string_view kChangesIntro =
    R"(Usage: sluice changes [flags] DIR

Prints what changed in the mirror in DIR, the oldest first: number, what
became of it (added, changed, renewed, removed), key. Whoever remembers the last
number it has seen goes on with --since, over restarts of either side. When a
change is printed, its file is in place and safe on the disk.

The journal is kept by `sluice watch`. Asks no server and takes no lock. If what
came after --since is not known any more, that is an error which says where to
go on.
)";

constexpr std::string_view kChangesExamples =
    R"(
Examples:
    sluice changes /srv/photos
    sluice changes --json --follow --since 1764309600000042 /srv/photos
)";

constexpr std::string_view kChangesStatuses =
    R"(
Exit status:
    0   printed to the end
    1   changes after --since are not known any more
    2   wrong usage, or a newer sluice wrote the record
    6   DIR is no mirror, or keeps no journal
    130, 143  stopped by SIGINT, SIGTERM
)";

constexpr std::string_view kDoctorIntro =
    R"(Usage: sluice doctor [flags] s3://BUCKET[/PREFIX] [DIR]

Looks at everything a mirror of this bucket needs, one thing after the other:
configuration, credentials, name, connection, TLS, server, clock, listing,
reading a key, and DIR if it is given. Says of what fails what to change, and
where a permission is missing the policy that grants it. Changes nothing. With
-q only what failed is printed.
)";

constexpr std::string_view kDoctorExamples =
    R"(
Examples:
    sluice doctor s3://photos/2024 /srv/photos-2024
    sluice doctor --endpoint-url http://127.0.0.1:9000 s3://test
)";

constexpr std::string_view kDoctorStatuses =
    R"(
Exit status: 0 if nothing failed, else what `sluice sync` would end with for the
first thing that did:
    2   wrong usage, bucket name or region
    3   no such bucket
    4   access denied, or bad or missing credentials
    5   endpoint, network or TLS trouble, invalid answer
    6   DIR cannot be used
    130, 143  stopped by SIGINT, SIGTERM
)";

constexpr std::string_view kStatusStatuses =
    R"(
Exit status:
    0   the status was read
    2   wrong usage, or a newer sluice wrote the record
    6   DIR is no mirror, or its record cannot be read
)";

constexpr std::string_view kElsewhere =
    R"(
Flags can also be set as SLUICE_<FLAG> (SLUICE_LOG_LEVEL=debug; a switch is true
or false) and in the file of --config: TOML, with settings for all verbs at its
top and for one in its section:

    region = "eu-central-1"
    exclude = ["*.tmp", "cache/*"]
    [sync]
    delete = true

The command line wins over the environment, and that over the file. Sizes are
written 8MiB, 100M, 1G; times 60s, 5m, 1h30m.
)";

constexpr std::string_view kMirrorStatuses =
    R"(
Exit status:
    0   DIR equals the bucket, minus what filters exclude
    1   some objects failed, were refused or archived, or kept because of
        local changes
    2   wrong usage, or DIR mirrors another source (see --adopt)
    3   no such bucket
    4   access denied, or bad or missing credentials
    5   endpoint, network or TLS trouble, throttling, invalid listing: try again
    6   local trouble: disk full, DIR not usable
    7   deletion refused by a guard
    75  another process is at work on DIR
    130, 143  stopped by SIGINT, SIGTERM; run again to go on
)";

constexpr std::string_view kLsStatuses =
    R"(
Exit status:
    0   listed to the end
    2   wrong usage
    3   no such bucket
    4   access denied, or bad or missing credentials
    5   endpoint, network or TLS trouble, throttling, invalid listing: try again
    6   the list could not be written
    130, 143  stopped by SIGINT, SIGTERM
)";

constexpr std::string_view kSyncExamples =
    R"(
Examples:
    sluice sync s3://photos /srv/photos
    sluice sync --delete --dry-run s3://photos/2024 /srv/photos-2024
    sluice sync --exclude "*" --include "*.jpg" s3://photos /srv/jpegs
    sluice sync --no-sign-request --region us-west-2 s3://open-data/v1 data
    sluice sync --endpoint-url http://127.0.0.1:9000 s3://test copy
)";

constexpr std::string_view kWatchExamples =
    R"(
Examples:
    sluice watch --delete s3://photos /srv/photos
    sluice watch --interval 5m --config /etc/sluice.toml s3://photos /srv/photos
)";

constexpr std::string_view kLsExamples =
    R"(
Examples:
    sluice ls s3://photos
    sluice ls --summarize --human-readable s3://photos/2024
    sluice ls --exclude "*" --include "*.jpg" s3://photos | head
)";

constexpr std::string_view kGeneral =
    R"(sluice mirrors an S3 bucket, or a folder of one, into a local directory. It only
reads: s3:ListBucket and s3:GetObject are all it needs.

Usage:
    sluice sync  [flags] s3://BUCKET[/PREFIX] DIR    one pass
    sluice watch [flags] s3://BUCKET[/PREFIX] DIR    passes until it is stopped
    sluice ls    [flags] s3://BUCKET[/PREFIX]        list the keys
    sluice status [flags] DIR                        what is known of a mirror
    sluice changes [flags] DIR                       what changed in a mirror
    sluice doctor [flags] s3://BUCKET[/PREFIX] [DIR] what is wrong, if something is
    sluice bench [flags] s3://BUCKET[/PREFIX]        find the best flags for it

    sluice VERB --help    the flags, examples and exit statuses of a verb
    sluice --version      version and build

Endpoint, region, credentials and certificates come from where other AWS tools
take them: the AWS_* variables, ~/.aws/config and ~/.aws/credentials.

Examples:
    sluice sync s3://photos /srv/photos
    sluice watch --delete --interval 5m s3://photos /srv/photos
    sluice ls --summarize s3://photos/2024
)";

}  // namespace

std::string general_help() {
  return std::string(kGeneral);
}

std::string verb_help(Verb verb) {
  const auto page = [verb](std::string_view intro, std::string_view statuses,
                           std::string_view examples) {
    std::string out(intro);
    out += flags_help(verb);
    out += kElsewhere;
    out += examples;
    out += statuses;
    return out;
  };
  switch (verb) {
    case Verb::sync:
      return page(kSyncIntro, kMirrorStatuses, kSyncExamples);
    case Verb::watch:
      return page(kWatchIntro, kMirrorStatuses, kWatchExamples);
    case Verb::ls:
      return page(kLsIntro, kLsStatuses, kLsExamples);
    case Verb::status:
      return page(kStatusIntro, kStatusStatuses, kStatusExamples);
    case Verb::changes:
      return page(kChangesIntro, kChangesStatuses, kChangesExamples);
    case Verb::doctor:
      return page(kDoctorIntro, kDoctorStatuses, kDoctorExamples);
    case Verb::bench:
      return page(kBenchIntro, kBenchStatuses, kBenchExamples);
  }
  return {};
}

}  // namespace sluice::cli

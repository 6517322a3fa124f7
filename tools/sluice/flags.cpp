#include "flags.hpp"

#include "base/text.hpp"
#include "base/units.hpp"
#include "flag_values.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

namespace sluice::cli {
namespace {

using units::GiB;
using units::KiB;
using units::MiB;

constexpr unsigned kSync = 1U << static_cast<unsigned>(Verb::sync);
constexpr unsigned kWatch = 1U << static_cast<unsigned>(Verb::watch);
constexpr unsigned kLs = 1U << static_cast<unsigned>(Verb::ls);
constexpr unsigned kMirror = kSync | kWatch;
constexpr unsigned kStatus = 1U << static_cast<unsigned>(Verb::status);
constexpr unsigned kChanges = 1U << static_cast<unsigned>(Verb::changes);
constexpr unsigned kDoctor = 1U << static_cast<unsigned>(Verb::doctor);
constexpr unsigned kBench = 1U << static_cast<unsigned>(Verb::bench);
constexpr unsigned kTransfer = kMirror | kBench;
constexpr unsigned kEvery = kTransfer | kLs;
constexpr unsigned kSource = kEvery | kDoctor;
constexpr unsigned kOutput = kSource | kStatus | kChanges;

using S = Settings&;
using G = const Given&;

/// The one place that knows every flag. Ranges are those of include/sluice/options.hpp.
constexpr std::array kFlags = {
    // --- Source ---
    Flag{"endpoint-url", 0, Group::source, kSource, "URL", "https://s3.example.com",
         "The S3 server, where it is not AWS. (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, profile)",
         [](S s, G g) { return set_text(s.mirror.source.endpoint_url, g); }},
    Flag{"region", 0, Group::source, kSource, "NAME", "eu-central-1",
         "The bucket's region. (AWS_REGION, AWS_DEFAULT_REGION, profile; else us-east-1)",
         [](S s, G g) { return set_text(s.mirror.source.region, g); }},
    Flag{"profile", 0, Group::source, kSource, "NAME", "backup",
         "Profile in ~/.aws/config and ~/.aws/credentials. (AWS_PROFILE; else default)",
         [](S s, G g) { return set_text(s.mirror.source.profile, g); }},
    Flag{"no-sign-request", 0, Group::source, kSource, "", "", "Send anonymous requests.",
         [](S s, G g) {
           bool anonymous = false;
           const Result<void> read = set_switch(anonymous, g);
           s.mirror.source.sign = !anonymous;
           return read;
         }},
    Flag{"request-payer", 0, Group::source, kSource, "", "",
         "Accept the charges of a requester-pays bucket.",
         [](S s, G g) {
           // `--request-payer=requester` is how aws spells it.
           if (g.value == "requester") return s.mirror.source.request_payer = true, Result<void>();
           return set_switch(s.mirror.source.request_payer, g);
         }},
    Flag{"expected-bucket-owner", 0, Group::source, kSource, "ID", "123456789012",
         "Refuse a bucket that does not belong to this account: the id's 12 digits.", set_owner},
    Flag{"sse-c-key-file", 0, Group::source, kSource, "FILE", "/etc/sluice/sse-c.key",
         "The key of objects encrypted with a customer's key (SSE-C): 32 bytes, or their base64. "
         "(SLUICE_SSE_C_KEY, base64)",
         [](S s, G g) { return set_text(s.mirror.source.sse_c_key_file, g); }},
    Flag{"ca-bundle", 0, Group::source, kSource, "FILE", "/etc/ssl/site-ca.pem",
         "PEM file of the authorities to trust. (AWS_CA_BUNDLE; else the system's)",
         [](S s, G g) { return set_text(s.mirror.source.ca_bundle, g); }},
    Flag{"client-cert", 0, Group::source, kSource, "FILE", "/etc/sluice/client.pem",
         "PEM file of the certificate to show to a server that asks for one.",
         [](S s, G g) { return set_text(s.mirror.source.client_certificate, g); }},
    Flag{"client-key", 0, Group::source, kSource, "FILE", "/etc/sluice/client.key",
         "PEM file of its private key, not encrypted. Default: in the same file.",
         [](S s, G g) { return set_text(s.mirror.source.client_key, g); }},
    Flag{"no-verify-ssl", 0, Group::source, kSource, "", "",
         "Accept any certificate. Unsafe: whoever is on the path can change what you get.",
         [](S s, G g) {
           bool anything_goes = false;
           const Result<void> read = set_switch(anything_goes, g);
           s.mirror.source.verify_tls = !anything_goes;
           return read;
         }},
    Flag{"proxy", 0, Group::source, kSource, "URL|none", "http://proxy.example.com:3128",
         "Reach the server through this HTTP proxy, or through none. (https_proxy, http_proxy, "
         "no_proxy) A password belongs into the environment or the config file.",
         set_proxy},
    Flag{"addressing-style", 0, Group::source, kSource, "auto|path|virtual", "path",
         "Where the bucket's name goes: into the path or the host name. Default auto.",
         [](S s, G g) {
           using Addressing = SourceOptions::Addressing;
           return set_choice(s.mirror.source.addressing, g,
                             {{"auto", Addressing::automatic},
                              {"path", Addressing::path},
                              {"virtual", Addressing::virtual_host}});
         }},

    Flag{"list-version", 0, Group::source, kSource, "auto|1|2", "1",
         "Version of ListObjects to ask for. Default auto: 2, and 1 where the server knows no "
         "other.",
         [](S s, G g) {
           using Version = SourceOptions::ListVersion;
           return set_choice(
               s.mirror.source.list_version, g,
               {{"auto", Version::automatic}, {"1", Version::one}, {"2", Version::two}});
         }},

    // --- Deletion ---
    Flag{"delete", 0, Group::deletion, kMirror, "", "",
         "Remove files that the bucket no longer has: only files that sluice wrote and nobody "
         "changed, and only after a complete listing.",
         [](S s, G g) { return set_switch(s.mirror.delete_extraneous, g); }},
    Flag{"max-delete", 0, Group::deletion, kMirror, "N|N%", "10%",
         "Delete nothing at all, and exit with 7, if more files would go. Default 50%, which "
         "counts beyond 100 files.",
         set_max_delete},
    Flag{"allow-empty-source", 0, Group::deletion, kMirror, "", "",
         "Let --delete act on an empty listing.",
         [](S s, G g) { return set_switch(s.mirror.allow_empty_source, g); }},
    Flag{"delete-confirm", 0, Group::deletion, kMirror, "get|none", "none",
         "Ask the server for each key before its file is deleted (get, the default), or trust "
         "the listing (none).",
         [](S s, G g) {
           using Confirm = MirrorOptions::DeleteConfirm;
           return set_choice(s.mirror.delete_confirm, g,
                             {{"get", Confirm::get}, {"none", Confirm::none}});
         }},

    Flag{"delete-excluded", 0, Group::deletion, kMirror, "", "",
         "With --delete: remove mirrored files that filters exclude, too, whether the bucket has "
         "them or not.",
         [](S s, G g) { return set_switch(s.mirror.delete_excluded, g); }},
    Flag{"backup-dir", 0, Group::deletion, kMirror, "DIR2", "/srv/photos.old",
         "Move files into this directory instead of deleting or replacing them. Nothing in it is "
         "overwritten: "
         "names that are taken get .~1~ and so on. Outside DIR, on the same file system.",
         [](S s, G g) { return set_text(s.mirror.backup_dir, g); }},

    // --- Filters ---
    Flag{"exclude", 0, Group::filters, kEvery, "PATTERN", "\"*.tmp\"",
         "Leave out keys that match. * is any text, slashes included; ? one byte; [abc] and "
         "[!abc] one of a set. May be repeated.",
         [](S s, G g) { return add_filter(s, FilterRule::Kind::exclude, g); }},
    Flag{"include", 0, Group::filters, kEvery, "PATTERN", "\"*.jpg\"",
         "Take keys that match after all. Patterns apply to the key below the prefix, in the "
         "order given; the last that matches decides.",
         [](S s, G g) { return add_filter(s, FilterRule::Kind::include, g); }},

    // --- Comparison and trust ---
    Flag{"size-only", 0, Group::comparison, kMirror, "", "",
         "Take objects of the same size for the same.",
         [](S s, G g) { return set_compare(s, g, MirrorOptions::Compare::size_only); }},
    Flag{"checksum", 'c', Group::comparison, kMirror, "", "",
         "Hash local files again instead of trusting their size and time.",
         [](S s, G g) { return set_compare(s, g, MirrorOptions::Compare::checksum); }},
    Flag{"local-changes", 0, Group::comparison, kMirror, "overwrite|keep", "keep",
         "What to do with files that were modified here. Default overwrite.",
         [](S s, G g) {
           using Changes = MirrorOptions::LocalChanges;
           return set_choice(s.mirror.local_changes, g,
                             {{"overwrite", Changes::overwrite}, {"keep", Changes::keep}});
         }},
    Flag{"adopt", 0, Group::comparison, kMirror, "", "",
         "Take over a DIR that mirrors another source.",
         [](S s, G g) { return set_switch(s.mirror.adopt, g); }},
    Flag{"adopt-by", 0, Group::comparison, kMirror, "hash|size-mtime", "size-mtime",
         "When a file already here counts as the object: its content proves it (hash, the "
         "default), or its size and time fit.",
         [](S s, G g) {
           using By = MirrorOptions::AdoptBy;
           return set_choice(s.mirror.adopt_by, g,
                             {{"hash", By::hash}, {"size-mtime", By::size_mtime}});
         }},
    Flag{"verify", 0, Group::comparison, kTransfer, "auto|strict|length", "strict",
         "Check content against the best proof the server offers (auto, the default), refuse "
         "what has none (strict), or check the length only.",
         [](S s, G g) {
           using Verify = MirrorOptions::Verify;
           return set_choice(s.mirror.verify, g,
                             {{"auto", Verify::automatic},
                              {"strict", Verify::strict},
                              {"length", Verify::length}});
         }},
    Flag{"durability", 0, Group::comparison, kMirror, "full|files|none", "none",
         "Force files to disk before they get their name: many with one sync of their file system "
         "where that is safe and quick (full, the default), each by itself (files), or leave it to "
         "the system (none).",
         [](S s, G g) {
           using Durability = MirrorOptions::Durability;
           return set_choice(s.mirror.durability, g,
                             {{"full", Durability::full},
                              {"files", Durability::each_file},
                              {"none", Durability::none}});
         }},

    // --- Tuning ---
    Flag{"transfers", 'j', Group::tuning, kTransfer, "N", "64",
         "Downloads at once, 1 to 4096. Default automatic: the best of 16 to 256, found by trying.",
         [](S s, G g) {
           return set_count(s.mirror.tuning.transfers, g, {1, 4096, "64", true});
         }},
    Flag{"list-concurrency", 0, Group::tuning, kEvery, "N", "16",
         "List requests at once, 1 to 256. Default 8, where the server is known to list in byte "
         "order (AWS, or a mirror that was complete before); else 1.",
         [](S s, G g) {
           return set_count(s.mirror.tuning.list_concurrency, g, {1, 256, "16", true});
         }},
    Flag{"threads", 0, Group::tuning, kEvery, "N", "4",
         "Threads that move data, 1 to 64. Default the number of cores, at most 4.",
         [](S s, G g) { return set_count(s.mirror.tuning.threads, g, {1, 64, "4", true}); }},
    Flag{"part-size", 0, Group::tuning, kTransfer, "SIZE", "8MiB",
         "Larger objects are fetched in parts of this size. Default 8MiB.",
         [](S s, G g) {
           s.bench.keeps_part_bytes = true;
           return set_size(s.mirror.tuning.part_bytes, g, {64 * KiB, 5 * GiB, "8MiB"});
         }},
    Flag{"memory", 0, Group::tuning, kEvery, "SIZE", "64MiB", "Ceiling on buffers. Default 64MiB.",
         [](S s, G g) {
           return set_size(s.mirror.tuning.memory_bytes, g, {4 * MiB, 1024 * GiB, "64MiB"});
         }},
    Flag{"max-attempts", 0, Group::tuning, kEvery, "N", "10",
         "Tries of one request, 1 to 100. Default 10. (AWS_MAX_ATTEMPTS)",
         [](S s, G g) { return set_count(s.mirror.tuning.max_attempts, g, {1, 100, "10"}); }},

    Flag{"bwlimit", 0, Group::tuning, kEvery, "RATE", "10MiB",
         "Receive at most so many bytes a second in all: 10MiB, 500K. 0, the default, is no limit. "
         "Or by the clock, in local time: \"08:00,10MiB 18:00,off\", \"Mon-08:00,10MiB "
         "Fri-18:00,off\".",
         set_bandwidth},
    Flag{"tpslimit", 0, Group::tuning, kEvery, "N", "100",
         "Send at most so many requests a second in all. 0, the default, is no limit.",
         [](S s, G g) {
           return set_count(s.mirror.tuning.requests_per_second, g, {0, 1'000'000, "100"});
         }},

    // --- Watching ---
    Flag{"interval", 0, Group::watching, kWatch, "TIME", "60s",
         "From the start of one pass to the start of the next. Default 60s. While passes fail, up "
         "to ten times as long, at most 10m.",
         [](S s, G g) { return set_duration(s.watch.interval, g, "60s or 5m"); }},
    Flag{"jitter", 0, Group::watching, kWatch, "N%", "10%",
         "Move each start by chance within so much of the interval, so that many watchers of one "
         "bucket spread out. Default 10%.",
         set_jitter},
    Flag{"once", 0, Group::watching, kWatch, "", "", "End after one pass, with its exit status.",
         set_once},
    Flag{"max-failures", 0, Group::watching, kWatch, "N", "10",
         "End after so many passes in a row that failed, with the exit status of the last. 0, the "
         "default, is no limit.",
         [](S s, G g) {
           return set_count(s.watch.max_failures, g, {0, 1'000'000, "10"});
         }},
    Flag{"max-duration", 0, Group::watching, kWatch, "TIME", "8h",
         "End after this time, with the exit status of the last whole pass. One that runs then is "
         "cut short; what it has not done yet is left to the next run.",
         [](S s, G g) { return set_duration(s.watch.max_duration, g, "90m or 8h"); }},

    Flag{"journal", 0, Group::watching, kMirror, "N", "100000",
         "Keep the last N changes in the record, for `sluice changes` and --exec; 0 keeps none any "
         "more. Default 100000 for watch; for sync as it was.",
         set_journal},
    Flag{"exec", 0, Group::watching, kWatch, "COMMAND", "'systemctl reload site'",
         "Run this (with /bin/sh) after a pass that changed something, with the changes as JSON "
         "lines on its standard input. Never two at once. What changes while it runs, or while it "
         "fails, comes with the next.",
         [](S s, G g) { return set_text(s.hook.command, g); }},
    Flag{"exec-timeout", 0, Group::watching, kWatch, "TIME", "5m",
         "How long that may take before it is ended. Default 10m.",
         [](S s, G g) { return set_duration(s.hook.timeout, g, "30s or 5m"); }},
    Flag{"exec-on-failure", 0, Group::watching, kWatch, "retry|skip", "skip",
         "After a command that failed or took too long: hand the same changes to the next one, "
         "after the next pass (retry, the default), or only new ones (skip).",
         [](S s, G g) {
           using OnFailure = HookSettings::OnFailure;
           return set_choice(s.hook.on_failure, g,
                             {{"retry", OnFailure::retry}, {"skip", OnFailure::skip}});
         }},
    Flag{"touch-file", 0, Group::watching, kWatch, "FILE", "/run/photos.changed",
         "Set the time of this file after a pass that changed something.",
         [](S s, G g) { return set_text(s.hook.touch_file, g); }},
    Flag{"publish-link", 0, Group::watching, kMirror, "PATH", "/srv/photos.live",
         "Show readers whole passes only: after each pass that left nothing out, the symbolic "
         "link PATH leads to a new tree of hard links, in a hidden folder beside it. Outside DIR, "
         "on the same file system.",
         [](S s, G g) { return set_text(s.mirror.publish_link, g); }},
    Flag{"keep-generations", 0, Group::watching, kMirror, "N", "3",
         "With --publish-link: trees that are kept, that of the link included, 2 to 100. Default "
         "2. One that was replaced stays as it is until N-1 later passes have changed something.",
         [](S s, G g) {
           return set_count(s.mirror.keep_generations, g, {2, 100, "3"});
         }},
    Flag{"listen", 0, Group::watching, kWatch, "HOST:PORT", "127.0.0.1:9464",
         "Serve the state of the watch over HTTP: a page at /, /status (JSON), /metrics "
         "(Prometheus), /healthz and /readyz. There is no password: keep to 127.0.0.1 or put a "
         "proxy before it.",
         set_listen},
    Flag{"since", 0, Group::watching, kChanges, "SEQ", "1764309600000042",
         "Only what came after this change. Default: all that the journal has.", set_since},
    Flag{"follow", 'f', Group::watching, kChanges, "", "",
         "Go on as changes come, until SIGINT or SIGTERM.",
         [](S s, G g) { return set_switch(s.changes.follow, g); }},

    // --- Measuring ---
    Flag{"budget", 0, Group::measuring, kBench, "SIZE", "8GiB",
         "Ask for no more than so many bytes of objects in all. Default 2GiB.",
         [](S s, G g) {
           return set_size(s.bench.budget_bytes, g, {MiB, 1024 * GiB, "8GiB"});
         }},
    Flag{"time-limit", 0, Group::measuring, kBench, "TIME", "5m",
         "End after about so long. Default 2m.", set_time_limit},
    Flag{"scratch", 0, Group::measuring, kBench, "DIR", "/srv/scratch",
         "Where the folder is made that trials write to. Default TMPDIR, else /tmp.",
         [](S s, G g) { return set_text(s.bench.scratch_dir, g); }},
    Flag{"plot", 0, Group::measuring, kBench, "FILE", "bench.svg",
         "Draw the plot into this SVG file, too.",
         [](S s, G g) { return set_text(s.bench.plot_file, g); }},

    // --- Output ---
    Flag{"dry-run", 'n', Group::output, kSync, "", "", "Change nothing; print what would be done.",
         [](S s, G g) { return set_switch(s.mirror.dry_run, g); }},
    Flag{"request-price", 0, Group::output, kMirror | kStatus, "LIST[,GET]", "0.005,0.0004",
         "What 1,000 LIST requests cost, and 1,000 GETs, in any currency. A dry run, `sluice "
         "status` and the page of a watch then say what a month of polling costs.",
         set_prices},
    Flag{"summarize", 0, Group::output, kLs, "", "",
         "Print the number of objects and their total size at the end.",
         [](S s, G g) { return set_switch(s.listing.summarize, g); }},
    Flag{"human-readable", 0, Group::output, kLs, "", "", "Print sizes as 1.2 MiB.",
         [](S s, G g) { return set_switch(s.listing.human_readable, g); }},
    Flag{"verbose", 'v', Group::output, kOutput, "", "",
         "Print more: each object with its reason, and debug messages.",
         [](S s, G g) { return set_verbosity(s, g, OutputSettings::Verbosity::verbose); }},
    Flag{"quiet", 'q', Group::output, kOutput, "", "", "Print errors only.",
         [](S s, G g) { return set_verbosity(s, g, OutputSettings::Verbosity::quiet); }},
    Flag{"json", 0, Group::output, kOutput, "", "",
         "Print everything that happens as JSON, one event a line, instead of text.",
         [](S s, G g) { return set_switch(s.output.json, g); }},
    Flag{"progress", 0, Group::output, kMirror, "auto|always|never", "never",
         "The progress line: on a terminal (auto, the default), in logs too, or never.",
         [](S s, G g) {
           using Progress = OutputSettings::Progress;
           return set_choice(s.output.progress, g,
                             {{"auto", Progress::automatic},
                              {"always", Progress::always},
                              {"never", Progress::never}});
         }},
    Flag{"log-level", 0, Group::output, kOutput, "error|warning|info|debug", "warning",
         "The least level that is logged, to standard error and the log file. Default info.",
         set_log_level},
    Flag{"log-file", 0, Group::output, kOutput, "FILE", "/var/log/sluice.log",
         "Append the log to this file as well, each object included.",
         [](S s, G g) { return set_text(s.output.log_file, g); }},
    Flag{"log-format", 0, Group::output, kOutput, "text|json|journal", "json",
         "How the log is written: for people (text, the default), as a JSON object a line, or for "
         "journald, with priorities instead of times (in the log file as text).",
         [](S s, G g) {
           using report::LogFormat;
           return set_choice(s.output.log_format, g,
                             {{"text", LogFormat::text},
                              {"json", LogFormat::json},
                              {"journal", LogFormat::journal}});
         }},
    Flag{"config", 0, Group::output, kOutput, "FILE", "site.toml",
         "Read flags from this TOML file (see below).",
         [](S s, G g) { return set_text(s.config_file, g); }},
};

}  // namespace

void Settings::add_filter(FilterRule rule) {
  if (filters_are_older_) mirror.filters.clear();
  filters_are_older_ = false;
  mirror.filters.push_back(std::move(rule));
}

std::string_view title_of(Group group) noexcept {
  switch (group) {
    case Group::source:
      return "Source";
    case Group::deletion:
      return "Deletion";
    case Group::filters:
      return "Filters";
    case Group::comparison:
      return "Comparison and verification";
    case Group::tuning:
      return "Tuning";
    case Group::watching:
      return "Watching";
    case Group::measuring:
      return "Measuring";
    case Group::output:
      return "Output";
  }
  return "";
}

std::span<const Flag> all_flags() noexcept {
  return kFlags;
}

const Flag* find_flag(std::string_view name) noexcept {
  for (const Flag& flag : kFlags)
    if (flag.name == name) return &flag;
  return nullptr;
}

std::string_view name_of(Verb verb) noexcept {
  switch (verb) {
    case Verb::sync:
      return "sync";
    case Verb::watch:
      return "watch";
    case Verb::ls:
      return "ls";
    case Verb::status:
      return "status";
    case Verb::changes:
      return "changes";
    case Verb::doctor:
      return "doctor";
    case Verb::bench:
      return "bench";
  }
  return "";
}

std::string flag_suggestion(std::string_view name, Verb verb, std::string_view before) {
  if (const Flag* other = find_flag(name); other != nullptr && !other->applies_to(verb)) {
    std::vector<std::string_view> verbs;
    for (const Verb v : kVerbs)
      if (other->applies_to(v)) verbs.push_back(name_of(v));
    const std::string_view last = verbs.back();
    verbs.pop_back();
    return fmt::format("; it is for {}{}{}", fmt::join(verbs, ", "), verbs.empty() ? "" : " and ",
                       last);
  }
  std::vector<std::string_view> names;
  for (const Flag& flag : kFlags)
    if (flag.applies_to(verb)) names.push_back(flag.name);
  const std::string_view nearest = text::nearest(name, names);
  return nearest.empty() ? "" : fmt::format("; did you mean {}{}?", before, nearest);
}

}  // namespace sluice::cli

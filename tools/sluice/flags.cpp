#include "flags.hpp"

#include "base/text.hpp"
#include "base/units.hpp"
#include "timetable.hpp"

#include <fmt/format.h>

#include <array>
#include <initializer_list>
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
constexpr unsigned kEvery = kMirror | kLs;
constexpr unsigned kOutput = kEvery | kStatus | kChanges;

Error refusal(const Given& given, std::string_view rule) {
  return Error(ErrorKind::usage,
               fmt::format("{}: \"{}\" {}", given.where, text::escaped(given.value), rule));
}

Result<void> set_switch(bool& target, const Given& given) {
  for (const std::string_view yes : {"true", "1", "yes", "on"})
    if (text::iequals(given.value, yes)) return target = true, Result<void>();
  for (const std::string_view no : {"false", "0", "no", "off"})
    if (text::iequals(given.value, no)) return target = false, Result<void>();
  return refusal(given, "is neither true nor false");
}

Result<void> set_text(std::string& target, const Given& given) {
  if (given.value.find('\0') != std::string_view::npos) return refusal(given, "holds a NUL byte");
  target = given.value;
  return {};
}

struct Count {
  unsigned least;
  unsigned most;
  std::string_view sample;
  bool may_be_automatic = false;  ///< `auto` stands for 0
};

Result<void> set_count(unsigned& target, const Given& given, const Count& range) {
  if (range.may_be_automatic && given.value == "auto") return target = 0, Result<void>();
  const auto number = text::parse_uint(given.value);
  if (!number || *number < range.least || *number > range.most)
    return refusal(
        given, fmt::format("is not a number from {} to {}{}; write for example {}", range.least,
                           range.most, range.may_be_automatic ? ", or auto" : "", range.sample));
  target = static_cast<unsigned>(*number);
  return {};
}

struct Size {
  std::uint64_t least;
  std::uint64_t most;
  std::string_view sample;
};

Result<void> set_size(std::uint64_t& target, const Given& given, const Size& range) {
  const auto bytes = units::parse_size(given.where, given.value);
  if (!bytes) return bytes.error();
  if (*bytes < range.least || *bytes > range.most)
    return refusal(given, fmt::format("is not a size from {} to {}; write for example {}",
                                      units::format_size(range.least),
                                      units::format_size(range.most), range.sample));
  target = *bytes;
  return {};
}

template <class E>
using Choices = std::initializer_list<std::pair<std::string_view, E>>;

template <class E>
Result<void> set_choice(E& target, const Given& given, Choices<E> choices) {
  std::string names;
  for (const auto& [name, value] : choices) {
    if (given.value == name) return target = value, Result<void>();
    names += names.empty() ? "" : ", ";
    names += name;
  }
  return refusal(given, "is none of: " + names);
}

Result<void> set_max_delete(Settings& settings, const Given& given) {
  DeleteLimit limit;
  limit.percent.reset();
  std::string_view digits = given.value;
  const bool is_percentage = digits.ends_with('%');
  if (is_percentage) digits.remove_suffix(1);
  const auto number = text::parse_uint(digits);
  if (!number || (is_percentage && *number > 100))
    return refusal(given,
                   "is neither a number of files nor a percentage from 0% to 100%; write for "
                   "example 1000 or 10%");
  if (is_percentage)
    limit.percent = static_cast<unsigned>(*number);
  else
    limit.files = *number;
  settings.mirror.max_delete = limit;
  return {};
}

Result<void> add_filter(Settings& settings, FilterRule::Kind kind, const Given& given) {
  if (given.value.empty())
    return refusal(given, "is an empty pattern; write for example \"*.tmp\"");
  settings.add_filter(FilterRule{kind, std::string(given.value)});
  return {};
}

Result<void> set_duration(std::chrono::milliseconds& target, const Given& given,
                          std::string_view samples) {
  using namespace std::chrono_literals;
  constexpr auto kLongest = 24h * 365;
  const auto duration = units::parse_duration(given.where, given.value);
  if (!duration) return duration.error();
  if (*duration < 1ms || *duration > kLongest)
    return refusal(
        given, fmt::format("is not a duration from 1ms to 365d; write for example {}", samples));
  target = *duration;
  return {};
}

Result<void> set_jitter(Settings& settings, const Given& given) {
  std::string_view digits = given.value;
  if (digits.ends_with('%')) digits.remove_suffix(1);
  const auto percent = text::parse_uint(digits);
  if (!percent || *percent > 100)
    return refusal(given, "is not a percentage from 0% to 100%; write for example 10%");
  settings.watch.jitter_percent = static_cast<unsigned>(*percent);
  return {};
}

Result<void> set_listen(Settings& settings, const Given& given) {
  auto address = parse_listen_address(given.value);
  if (!address)
    return refusal(given,
                   "is no address to listen at; write for example 127.0.0.1:9464, [::1]:9464 or "
                   "localhost:9464");
  settings.listen = *std::move(address);
  return {};
}

Result<void> set_journal(Settings& settings, const Given& given) {
  constexpr std::uint64_t kMostRows = 1'000'000'000;
  const auto rows = text::parse_uint(given.value);
  if (!rows || *rows > kMostRows)
    return refusal(given, "is not a number from 0 to 1000000000; write for example 100000");
  settings.mirror.journal_rows = *rows;
  return {};
}

Result<void> set_since(Settings& settings, const Given& given) {
  const auto seq = text::parse_uint(given.value);
  if (!seq || *seq > std::uint64_t{1} << 62U)
    return refusal(given, "is no number of a change; they stand before each line of the output");
  settings.changes.since = *seq;
  return {};
}

Result<void> set_once(Settings& settings, const Given& given) {
  bool once = false;
  const Result<void> read = set_switch(once, given);
  if (!read) return read;
  settings.watch.max_passes = once ? 1 : 0;
  return {};
}

Result<void> set_bandwidth(Settings& settings, const Given& given) {
  TuningOptions& tuning = settings.mirror.tuning;
  if (given.value.find(',') != std::string_view::npos) {
    auto slots = parse_timetable(given);
    if (!slots) return slots.error();
    tuning.timetable = *std::move(slots);
    return {};
  }
  const auto rate = parse_rate(given.where, given.value);
  if (!rate) return rate.error();
  tuning.timetable.clear();
  tuning.bytes_per_second = *rate;
  return {};
}

Result<void> set_verbosity(Settings& settings, const Given& given,
                           OutputSettings::Verbosity verbosity) {
  bool wanted = false;
  const Result<void> read = set_switch(wanted, given);
  if (!read) return read;
  settings.output.verbosity = wanted ? verbosity : OutputSettings::Verbosity::normal;
  return {};
}

Result<void> set_compare(Settings& settings, const Given& given, MirrorOptions::Compare compare) {
  bool wanted = false;
  const Result<void> read = set_switch(wanted, given);
  if (!read) return read;
  settings.mirror.compare = wanted ? compare : MirrorOptions::Compare::record;
  return {};
}

Result<void> set_log_level(Settings& settings, const Given& given) {
  Level level = Level::info;
  const Result<void> read = set_choice(level, given,
                                       {{"error", Level::error},
                                        {"warning", Level::warning},
                                        {"info", Level::info},
                                        {"debug", Level::debug}});
  if (!read) return read;
  settings.output.log_level = level;
  return {};
}

using S = Settings&;
using G = const Given&;

/// The one place that knows every flag. Ranges are those of include/sluice/options.hpp.
constexpr std::array kFlags = {
    // --- Source ---
    Flag{"endpoint-url", 0, Group::source, kEvery, "URL", "https://s3.example.com",
         "The S3 server, where it is not AWS. (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, profile)",
         [](S s, G g) { return set_text(s.mirror.source.endpoint_url, g); }},
    Flag{"region", 0, Group::source, kEvery, "NAME", "eu-central-1",
         "The bucket's region. (AWS_REGION, AWS_DEFAULT_REGION, profile; else us-east-1)",
         [](S s, G g) { return set_text(s.mirror.source.region, g); }},
    Flag{"profile", 0, Group::source, kEvery, "NAME", "backup",
         "Profile in ~/.aws/config and ~/.aws/credentials. (AWS_PROFILE; else default)",
         [](S s, G g) { return set_text(s.mirror.source.profile, g); }},
    Flag{"no-sign-request", 0, Group::source, kEvery, "", "", "Send anonymous requests.",
         [](S s, G g) {
           bool anonymous = false;
           const Result<void> read = set_switch(anonymous, g);
           s.mirror.source.sign = !anonymous;
           return read;
         }},
    Flag{"request-payer", 0, Group::source, kEvery, "", "",
         "Accept the charges of a requester-pays bucket.",
         [](S s, G g) {
           // `--request-payer=requester` is how aws spells it.
           if (g.value == "requester") return s.mirror.source.request_payer = true, Result<void>();
           return set_switch(s.mirror.source.request_payer, g);
         }},
    Flag{"ca-bundle", 0, Group::source, kEvery, "FILE", "/etc/ssl/site-ca.pem",
         "PEM file of the authorities to trust. (AWS_CA_BUNDLE; else the system's)",
         [](S s, G g) { return set_text(s.mirror.source.ca_bundle, g); }},
    Flag{"no-verify-ssl", 0, Group::source, kEvery, "", "",
         "Accept any certificate. Unsafe: whoever is on the path can change what you get.",
         [](S s, G g) {
           bool anything_goes = false;
           const Result<void> read = set_switch(anything_goes, g);
           s.mirror.source.verify_tls = !anything_goes;
           return read;
         }},
    Flag{"addressing-style", 0, Group::source, kEvery, "auto|path|virtual", "path",
         "Where the bucket's name goes: into the path or the host name. Default auto.",
         [](S s, G g) {
           using Addressing = SourceOptions::Addressing;
           return set_choice(s.mirror.source.addressing, g,
                             {{"auto", Addressing::automatic},
                              {"path", Addressing::path},
                              {"virtual", Addressing::virtual_host}});
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
    Flag{"verify", 0, Group::comparison, kMirror, "auto|strict|length", "strict",
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
    Flag{"transfers", 'j', Group::tuning, kMirror, "N", "64",
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
    Flag{"part-size", 0, Group::tuning, kMirror, "SIZE", "8MiB",
         "Larger objects are fetched in parts of this size. Default 8MiB.",
         [](S s,
            G g) { return set_size(s.mirror.tuning.part_bytes, g, {64 * KiB, 5 * GiB, "8MiB"}); }},
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

    // --- Output ---
    Flag{"dry-run", 'n', Group::output, kSync, "", "", "Change nothing; print what would be done.",
         [](S s, G g) { return set_switch(s.mirror.dry_run, g); }},
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

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// How a bucket is reached and with what identity.
struct SourceOptions {
  std::string bucket;
  std::string prefix;        ///< empty, or ends in `/`: paths are relative to it
  std::string endpoint_url;  ///< empty: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, profile, else AWS
  std::string region;        ///< empty: AWS_REGION, AWS_DEFAULT_REGION, profile, else us-east-1
  std::string profile;       ///< empty: AWS_PROFILE, else `default`
  std::string ca_bundle;     ///< PEM file; empty: AWS_CA_BUNDLE, profile, else the system's store
  std::string client_certificate;  ///< PEM file for servers that ask for one; empty: none
  std::string client_key;          ///< PEM file, not encrypted; empty: in `client_certificate`
  /// `http://[user:password@]host:port` for everything, `none` for no proxy; empty: by http_proxy,
  /// https_proxy. The endpoints that no_proxy names are reached directly in each case.
  std::string proxy;
  enum class Addressing : std::uint8_t { automatic, path, virtual_host };
  Addressing addressing = Addressing::automatic;
  /// Of ListObjects; automatic: 2, and 1 where the server knows no other.
  enum class ListVersion : std::uint8_t { automatic, one, two };
  ListVersion list_version = ListVersion::automatic;
  bool sign = true;                   ///< false: anonymous requests
  bool verify_tls = true;             ///< false: accept any certificate (loud, never a default)
  bool request_payer = false;         ///< accept the charges of a requester-pays bucket
  std::string expected_bucket_owner;  ///< refuse buckets of others than this account: 12 digits
  /// File with the key of objects under SSE-C: 32 bytes, or their base64. Empty: SLUICE_SSE_C_KEY
  /// (base64), else none.
  std::string sse_c_key_file;

  bool operator==(const SourceOptions&) const = default;
};

/// One --include or --exclude, in the order given; the last one that matches a key wins.
struct FilterRule {
  enum class Kind : std::uint8_t { include, exclude };
  Kind kind = Kind::exclude;
  std::string
      pattern;  ///< as in aws: `*` any bytes, `?` one byte, `[abc]`, `[!abc]`; whole relative key

  bool operator==(const FilterRule&) const = default;
};

/// From when on a rate counts, each week anew, in local time.
struct RateSlot {
  unsigned minute_of_week = 0;         ///< from Monday 00:00 on, 0 to 10,079
  std::uint64_t bytes_per_second = 0;  ///< 0: no limit

  bool operator==(const RateSlot&) const = default;
};

/// Where the limits on work in flight are. 0 means automatic.
struct TuningOptions {
  unsigned threads = 0;                    ///< data shards, 1 to 64; automatic: min(4, cores)
  unsigned transfers = 0;                  ///< GETs at once in all, 1 to 4096; automatic: 16 to 256
  std::uint64_t part_bytes = 8u << 20;     ///< at least 64 KiB; at least size / 10,000 is used
  std::uint64_t memory_bytes = 64u << 20;  ///< ceiling on buffers, at least 4 MiB
  /// List requests at once, 1 to 256; automatic: 8. Only where the server is known to list in byte
  /// order; else, and with 1, one page is asked for after the other.
  unsigned list_concurrency = 0;
  unsigned max_attempts = 10;  ///< tries of one request, 1 to 100
  /// Verified files become visible, and are recorded, in groups at least so often; at least 1 ms.
  std::chrono::milliseconds group_age{1000};
  std::uint64_t bytes_per_second = 0;  ///< of answers' bodies, over all shards; 0: no limit
  std::vector<RateSlot> timetable;     ///< if there is any, it says so instead
  unsigned requests_per_second = 0;    ///< over all shards; 0: no limit

  bool operator==(const TuningOptions&) const = default;
};

/// Guards on deletion: more than this and nothing at all is deleted.
struct DeleteLimit {
  std::optional<std::uint64_t> files;
  std::optional<unsigned> percent = 50;  ///< of the record
  /// The percentage counts only beyond so many files (a tree of ten may lose six).
  static constexpr std::uint64_t kPercentFloorFiles = 100;

  bool operator==(const DeleteLimit&) const = default;
};

/// Changes that the journal keeps where nobody says how many.
inline constexpr std::uint64_t kDefaultJournalRows = 100'000;

struct MirrorOptions {
  SourceOptions source;
  std::string dir;  ///< the destination
  TuningOptions tuning;
  std::vector<FilterRule> filters;

  bool delete_extraneous = false;
  DeleteLimit max_delete;
  bool allow_empty_source = false;
  enum class DeleteConfirm : std::uint8_t { get, none };
  DeleteConfirm delete_confirm = DeleteConfirm::get;
  /// Keys that filters exclude are deleted too, whether the bucket has them or not; only with
  /// `delete_extraneous`. Otherwise they are left alone.
  bool delete_excluded = false;
  /// Where files are kept that are deleted; empty: nowhere. Outside `dir`, on the same file system.
  std::string backup_dir;

  bool dry_run = false;
  enum class Verify : std::uint8_t { automatic, strict, length };
  Verify verify = Verify::automatic;
  /// full: one sync of the file system for a group of files where that can be trusted and is quick,
  /// else each_file: a sync of every file and folder. none: no sync; a power cut may tear files.
  enum class Durability : std::uint8_t { full, each_file, none };
  Durability durability = Durability::full;
  enum class Compare : std::uint8_t { record, size_only, checksum };
  Compare compare = Compare::record;
  enum class LocalChanges : std::uint8_t { overwrite, keep };
  LocalChanges local_changes = LocalChanges::overwrite;
  enum class AdoptBy : std::uint8_t { hash, size_mtime };
  AdoptBy adopt_by = AdoptBy::hash;
  bool adopt = false;  ///< take over the record of another source
  /// Keeps a journal of the last so many changes in the record (changes.hpp), 0: none any more.
  /// Unset: as the record has it.
  std::optional<std::uint64_t> journal_rows;
  /// A symbolic link that leads to a tree of the last pass that left nothing out; empty: none.
  /// Outside `dir`, on the same file system; its trees are in a hidden folder beside it. Keeps a
  /// journal, and goes with neither `local_changes` keep nor `compare` size_only.
  std::string publish_link;
  /// How many trees are kept, the one that the link leads to included: 2 to 100. One that was
  /// replaced stays as it is until so many passes less one have changed something.
  unsigned keep_generations = 2;

  bool operator==(const MirrorOptions&) const = default;
};

/// When the passes of a watch begin, and when it ends without being told to.
struct WatchOptions {
  std::chrono::milliseconds interval{60'000};  ///< from start to start of a pass; at least 1 ms
  /// How much of the interval a start is drawn from anew, half of it before and half after the time
  /// it would have; 0 to 100.
  unsigned jitter_percent = 10;
  unsigned max_passes = 0;                    ///< 0: no limit
  unsigned max_failures = 0;                  ///< passes that failed in a row; 0: no limit
  std::chrono::milliseconds max_duration{0};  ///< a pass that runs then is cut short; 0: no limit
  bool track_transfers = false;  ///< so that Mirror::work can name them; two locks a part
};

/// What a watch that runs can be told anew.
struct LiveOptions {
  std::chrono::milliseconds interval{60'000};
  unsigned jitter_percent = 10;
  std::vector<FilterRule> filters;     ///< from the next pass on
  std::uint64_t bytes_per_second = 0;  ///< as in TuningOptions, like the following
  std::vector<RateSlot> timetable;
  unsigned requests_per_second = 0;
};

struct ListOptions {
  SourceOptions source;
  TuningOptions tuning;
  std::vector<FilterRule> filters;
};

}  // namespace sluice

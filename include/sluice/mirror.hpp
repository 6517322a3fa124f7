#pragma once

#include "sluice/error.hpp"
#include "sluice/observer.hpp"
#include "sluice/options.hpp"
#include "sluice/summary.hpp"
#include "sluice/telemetry.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

/// The public face of libsluice. Nothing here throws but std::bad_alloc; failures are Errors.
namespace sluice {

/// What a watch does after a pass.
struct Outlook {
  unsigned failures = 0;  ///< passes in a row that failed, the last one included
  /// How long until the next pass, unless somebody wants it sooner; none: the watch ends.
  std::optional<std::chrono::milliseconds> next;
};

/// A bucket, a directory, and the engine that makes the second equal to the first.
///
/// Threads: `sync` or `watch` is called once, and blocks; everything else may be called from any
/// thread meanwhile. The observer must outlive the mirror.
class Mirror {
 public:
  Mirror(MirrorOptions options, Observer& observer);
  ~Mirror();
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  /// One pass.
  PassSummary sync();

  /// One pass after the other, until `stop` or one of the limits in `options`: a failed pass alone
  /// does not end it. `on_pass` is told of each.
  ///
  /// The answer is the summary of the last pass that was not cut short, or of the one that was if
  /// there is no other; after `stop` it is `interrupted`. Its `failure` is set and nothing ran if
  /// the mirror could not be opened.
  PassSummary watch(const WatchOptions& options,
                    const std::function<void(const PassSummary&, const Outlook&)>& on_pass);

  /// The next pass of a watch begins now; while one runs: as soon as it has ended.
  void pass_now() noexcept;

  /// Rates and interval count at once, filters from the next pass on. Without effect before
  /// `watch`.
  void reload(LiveOptions options);

  /// Stops planning and fetching, publishes what is under way of being published, and lets `sync`
  /// or `watch` return, within 5 s unless the kernel holds a sync. Any thread.
  void stop() noexcept;

  Progress progress() const noexcept;

  /// Totals over all passes. Requests are known while `watch` runs, else 0.
  Telemetry telemetry() const noexcept;

  /// What the pass of a watch is doing just now, with so many transfers at most.
  WorkInProgress work(std::size_t most_transfers) const;

  /// For how long the control thread of a watch has not been heard of: seconds at most, unless it
  /// hangs. 0 before and after `watch`.
  std::chrono::milliseconds silence() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One listed key; the views are valid during the call only.
struct ListEntry {
  std::string_view key;
  std::string_view etag;
  std::uint64_t size = 0;
  std::int64_t modified_ms = 0;
  bool archived = false;
};

/// Lists a bucket in key order. `on_entry` is called from an engine thread; false ends the listing.
/// `max_keys` 0 means all.
std::optional<Error> list_bucket(const ListOptions& options, Observer& observer,
                                 const std::function<bool(const ListEntry&)>& on_entry);

/// "0.1.0".
std::string_view version() noexcept;
/// Version, compiler and libraries, one a line.
std::string_view build_description() noexcept;

}  // namespace sluice

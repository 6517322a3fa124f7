#pragma once

#include "sluice/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// What became of one key. The engine counts all of them and reports each but `kept`.
enum class What : std::uint8_t {
  kept,        ///< nothing to do
  fetched,     ///< downloaded, verified and in place
  adopted,     ///< the local file proved to be the object: recorded, not downloaded
  touched,     ///< only the time was set
  deleted,     ///< removed locally: gone from the bucket
  extraneous,  ///< gone from the bucket, still here (no --delete)
  local_kept,  ///< modified locally and left alone
  forgotten,   ///< gone from the bucket and from here: only the record knew it
  vanished,    ///< listed, but gone when it was fetched
  archived,    ///< in an archive tier, not restored
  refused,     ///< cannot be stored under its own bytes, or its place is taken
  failed,      ///< could not be fetched, verified or stored
};
std::string_view to_string(What what) noexcept;

/// One thing that happened. The views are valid during the call only; keys are raw bytes and must
/// be escaped before they are shown.
struct ObjectEvent {
  What what = What::kept;
  std::string_view key;
  std::uint64_t size = 0;        ///< bytes of the object
  std::string_view reason;       ///< `changed`, `missing-locally`, … or why it was refused
  std::string_view proof;        ///< only with `fetched` and `adopted`
  const Error* error = nullptr;  ///< only with `failed` and `refused`
  bool dry_run = false;          ///< it would have happened
};

enum class Level : std::uint8_t { debug, info, warning, error };

/// Told of everything that happens. The engine itself never prints.
/// Threads: called from engine threads, several at once; an implementation locks, and is quick.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_object(const ObjectEvent& event) = 0;
  /// One sentence about the run as a whole: a retry, a switch of strategy, a warning.
  virtual void on_message(Level level, std::string_view text) = 0;
  /// Before anything else of a pass.
  virtual void on_pass_started() {}
};

}  // namespace sluice

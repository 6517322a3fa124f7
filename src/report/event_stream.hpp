#pragma once

#include "report/json.hpp"
#include "report/terminal.hpp"

#include "sluice/mirror.hpp"

#include <atomic>
#include <cstdint>
#include <string_view>

namespace sluice::report {

/// The version of the schema in docs/events.md. It changes when a field goes or changes its
/// meaning; new fields and events do not change it.
inline constexpr std::uint64_t kEventVersion = 1;

/// What is being done, for the first event.
struct RunFacts {
  std::string_view command;  ///< `sync`, `watch`, `ls`
  std::string_view program_version;
  const SourceOptions& source;
  std::string_view dir;  ///< empty: none
  bool dry_run = false;
};

struct ListTotals {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};

/// Events as JSON, one a line, on the results stream (docs/events.md). Every member may be called
/// from any thread.
class EventStream {
 public:
  explicit EventStream(Terminal& terminal) : terminal_(terminal) {}

  void run_started(const RunFacts& facts);
  void pass_started();
  void object(const ObjectEvent& event);
  void message(Level level, std::string_view text);
  /// Nothing if no pass has started since the last one ended.
  void pass_finished(const PassSummary& summary, ExitStatus status);
  void listed(const ListEntry& entry);
  void list_finished(const ListTotals& totals);
  /// The last one. `error` is what kept the run from its work, null if nothing.
  void run_finished(int exit_status, const Error* error);

 private:
  void print(const JsonObject& event) { terminal_.print(event.str()); }

  Terminal& terminal_;
  std::atomic<std::uint64_t> passes_ = 0;
  std::atomic<bool> in_pass_ = false;
};

/// By kind.
JsonObject requests_json(const RequestCounts& requests);

/// kind, message, and what else is known.
JsonObject error_json(const Error& error);

/// What happened to which key: the `object` event without its name and time.
JsonObject object_json(const ObjectEvent& event);

}  // namespace sluice::report

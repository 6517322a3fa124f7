#pragma once

#include "async/task.hpp"

#include <functional>
#include <memory>

namespace sluice::async {

/// The threads of the engine, each with one duty. Roles that block on disk have a thread of their
/// own, so that no connection waits for a directory look-up.
enum class Role : std::uint8_t {
  control,  ///< lists, owns timers and signals; runs the main task
  decide,   ///< stats local files and reads the record
  verify,   ///< hashes staged files
  publish,  ///< syncs, renames, writes the record, deletes
  data,     ///< moves bytes; there are `data_shards()` of these
};

/// Clock, timers, executors and randomness: all that an algorithm may know of the machine. The
/// threaded runtime is the real thing; the deterministic one runs every role on one thread in
/// virtual time, in an order drawn from its seed, so that a failing schedule reproduces.
///
/// Threads: `run` is called once; everything else may be called from any role.
class Runtime {
 public:
  virtual ~Runtime() = default;

  virtual Executor executor(Role role, unsigned shard = 0) = 0;
  virtual unsigned data_shards() const noexcept = 0;

  virtual SteadyTime now() const noexcept = 0;
  virtual WallTime wall_now() const noexcept = 0;
  /// Of all threads of the process so far; always 0 in virtual time.
  virtual std::chrono::nanoseconds processor_time() const noexcept = 0;

  /// Resumes on the caller's executor at or after `when`.
  virtual Task<void> sleep_until(SteadyTime when) = 0;

  /// Uniform random bits, for jitter; seeded in the deterministic runtime.
  virtual std::uint64_t random() = 0;

  /// Runs `main` on the control role until it ends, then stops every role. Rethrows what `main`
  /// throws. `main` joins what it spawned: a task that is left waiting is abandoned, not unwound.
  virtual void run(std::function<Task<void>()> main) = 0;

  Task<void> sleep_for(SteadyClock::duration duration) { return sleep_until(now() + duration); }
};

struct ThreadedOptions {
  unsigned data_shards = 1;  ///< 1 to 64
};

std::unique_ptr<Runtime> make_threaded_runtime(ThreadedOptions options);

struct DeterministicOptions {
  std::uint64_t seed = 0;
  unsigned data_shards = 2;  ///< 1 to 64
};

/// `run` throws std::logic_error naming the seed if every task waits and no timer is left.
std::unique_ptr<Runtime> make_deterministic_runtime(DeterministicOptions options);

}  // namespace sluice::async

#pragma once

#include "async/runtime.hpp"
#include "async/task.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::aws {

struct Credentials {
  std::string access_key;
  std::string secret_key;     ///< never logged, never stored
  std::string session_token;  ///< empty for long-term keys
  std::optional<WallTime> expires;
  std::string source;  ///< the provider they came from: its `name`
};

/// One source of credentials. `nullopt` means that this source has nothing to say (its variables or
/// files are absent), so the next is asked; an Error means that it is meant but broken: of kind
/// `credentials` if asking again would not help.
/// Threads: may be called from any shard; implementations guard themselves.
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;
  virtual std::string name() const = 0;  ///< for messages: "environment", "profile default in …"
  /// `runtime`: the network and the timers of those that ask a service.
  virtual async::Task<Result<std::optional<Credentials>>> get(async::Runtime& runtime) = 0;
  /// The service said that what `get` returned has expired or is invalid: forget any cache.
  virtual void invalidate() {}
};

/// Asks each in turn; the first answer wins and is kept until it is near its end or is invalidated.
/// Of several callers one asks and the others wait for its answer. While a refresh fails, what is
/// held stays in use as long as it is valid. If none has any: `credentials` error that lists which
/// were asked and how to provide some. `now` is for tests; empty: the system's clock.
std::shared_ptr<CredentialsProvider> make_chain(
    std::vector<std::shared_ptr<CredentialsProvider>> providers,
    std::function<WallTime()> now = {});

}  // namespace sluice::aws

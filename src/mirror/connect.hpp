#pragma once

#include "base/result.hpp"
#include "mirror/engine.hpp"
#include "record/record.hpp"
#include "s3/client.hpp"

#include "sluice/observer.hpp"
#include "sluice/options.hpp"

#include <cstdint>
#include <memory>

namespace sluice::mirror {

/// Resolves configuration and credentials as the AWS command line does, and opens the session that
/// all shards share; `observer` must outlive it. `connections` is the limit of each shard. Makes no
/// request yet.
Result<std::shared_ptr<s3::Session>> open_session(const SourceOptions& source,
                                                  const TuningOptions& tuning, Observer& observer);

/// The limits of a session that open_session opened, from now on; 0: none. Any thread.
void set_body_rate(const s3::Session& session, std::uint64_t bytes_per_second);
void set_request_rate(const s3::Session& session, unsigned requests_per_second);

/// Stores that talk to that session over HTTP.
StoreFactory http_stores(std::shared_ptr<s3::Session> session);

/// What the record calls this source. All of AWS counts as one host: regions are only addresses.
record::Source record_source(const s3::Session& session, const SourceOptions& source);

/// A usage error if a tuning value is out of its range.
Result<void> validate(const TuningOptions& tuning);

}  // namespace sluice::mirror

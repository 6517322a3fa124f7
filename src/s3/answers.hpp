#pragma once

#include "base/result.hpp"
#include "base/time.hpp"
#include "http/message.hpp"
#include "store/object_store.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The last of three steps (build, send, interpret): what the head of an answer means, as pure
/// functions. Messages name neither key nor endpoint; the caller puts them in front.
namespace sluice::s3 {

/// Of that kind.
Error invalid_answer(std::string message);

struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  ///< inclusive
  std::uint64_t total = 0;
};
/// `bytes first-last/total`; nullopt if it has another form (an unknown total included).
std::optional<ContentRange> parse_content_range(std::string_view text) noexcept;

/// A 200 or 206 to `request`: the head of the object if the body that follows is exactly what was
/// asked for. `changed`: another version. `invalid_answer`: anything else.
Result<store::ObjectHead> check_get_answer(const http::ResponseHead& answer,
                                           const store::GetRequest& request);

/// A 200 or 206 to a HEAD.
Result<store::ObjectHead> check_head_answer(const http::ResponseHead& answer,
                                            const store::HeadRequest& request);

/// How long the server asks to wait: x-amz-retry-after (ms), else Retry-After (seconds or a date,
/// seen from `server_now`); within 0 to 5 minutes.
std::chrono::milliseconds retry_after(const http::ResponseHead& answer, WallTime server_now);

/// Server time minus ours, in seconds: `assumed` if the answer's Date agrees with it, else that
/// Date against the middle of the exchange. nullopt if the answer came from a cache (Age), has no
/// Date, or took so long (15 min) that it means nothing.
std::optional<std::int64_t> measured_skew(const http::ResponseHead& answer, WallTime sent,
                                          WallTime received, std::int64_t assumed) noexcept;

/// x-amz-bucket-region, if it is a DNS label.
std::string bucket_region(const http::ResponseHead& answer);

bool is_xml(const http::ResponseHead& answer) noexcept;

}  // namespace sluice::s3

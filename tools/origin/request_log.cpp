#include "origin/request_log.hpp"

#include "origin/encoding.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::origin {

Headers without_secrets(const Headers& headers) {
  Headers out;
  for (const Header& header : headers) {
    const std::string name = to_lower(header.name);
    if (name == "authorization") continue;
    const bool secret = name == "x-amz-security-token" || name == "x-amz-sso_bearer_token" ||
                        name == "x-aws-ec2-metadata-token" ||
                        name.starts_with("x-amz-server-side-encryption-customer-key");
    out.push_back(secret ? Header{header.name, "(redacted)"} : header);
  }
  return out;
}

std::string to_json(const RequestRecord& record) {
  std::string out = fmt::format(
      R"({{"id":{},"connection":{},"method":"{}","target":"{}","bucket":"{}","key":"{}",)"
      R"("operation":"{}","range":"{}","status":{},"body_bytes_sent":{},"start_us":{},)"
      R"("end_us":{},"client_left":{},"authorization":{},"access_key":"{}","auth":"{}",)"
      R"("auth_detail":"{}",)",
      record.id, record.connection, json_escape(record.method), json_escape(record.target),
      json_escape(record.bucket), json_escape(record.key), name_of(record.operation),
      json_escape(record.range), record.status, record.body_bytes_sent, record.start_us,
      record.end_us, record.client_left, record.authorization, json_escape(record.access_key),
      name_of(record.auth), json_escape(record.auth_detail));
  out += "\"faults\":[";
  for (const std::string& fault : record.faults) {
    if (out.back() != '[') out += ',';
    out += '"' + json_escape(fault) + '"';
  }
  out += "],\"headers\":[";
  for (const Header& header : record.headers) {
    if (out.back() != '[') out += ',';
    out += fmt::format(R"(["{}","{}"])", json_escape(header.name), json_escape(header.value));
  }
  return out + "]}";
}

std::uint64_t RequestCounts::refused_signatures() const {
  std::uint64_t sum = 0;
  for (const auto& [failure, count] : auth_failures) {
    if (failure != AuthFailure::wrong_region) sum += count;
  }
  return sum;
}

std::uint64_t RequestLog::new_connection() {
  const std::lock_guard lock(mutex_);
  ++counts_.connections;
  return ++last_connection_;
}

std::uint64_t RequestLog::begin(RequestRecord record) {
  const std::lock_guard lock(mutex_);
  record.id = ++last_id_;
  ++counts_.total;
  ++counts_.by_operation[record.operation];
  if (record.auth != AuthFailure::none) ++counts_.auth_failures[record.auth];
  counts_.max_active = std::max(counts_.max_active, ++counts_.active);
  if (keep_) records_.emplace(last_id_, std::move(record));
  return last_id_;
}

void RequestLog::end(RequestRecord record) {
  record.finished = true;
  if (sink_) {
    const std::lock_guard lock(sink_mutex_);
    sink_(record);
  }
  const std::lock_guard lock(mutex_);
  if (counts_.active > 0 && --counts_.active == 0) idle_.notify_all();
  if (record.status >= 400) ++counts_.errors;
  counts_.body_bytes_sent += record.body_bytes_sent;
  const auto found = records_.find(record.id);
  if (found != records_.end()) found->second = std::move(record);
}

void RequestLog::settle(std::chrono::milliseconds most) const {
  std::unique_lock lock(mutex_);
  idle_.wait_for(lock, most, [this] { return counts_.active == 0; });
}

std::vector<RequestRecord> RequestLog::records() const {
  const std::lock_guard lock(mutex_);
  std::vector<RequestRecord> out;
  out.reserve(records_.size());
  for (const auto& entry : records_)
    out.push_back(entry.second);
  return out;
}

RequestCounts RequestLog::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void RequestLog::clear() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t active = counts_.active;
  records_.clear();
  counts_ = RequestCounts();
  counts_.active = counts_.max_active = active;
}

}  // namespace sluice::origin

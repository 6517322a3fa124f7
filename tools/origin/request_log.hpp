// What the server saw and did, one record a request.
#pragma once

#include "origin/message.hpp"
#include "origin/operation.hpp"
#include "origin/sigv4.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::origin {

struct RequestRecord {
  std::uint64_t id = 0;          // 1, 2, 3, … in the order of arrival
  std::uint64_t connection = 0;  // 1, 2, 3, … in the order of acceptance
  std::string method = {};
  std::string target = {};  // as received
  std::string bucket = {};
  std::string key = {};
  Operation operation = Operation::other;
  std::string range = {};  // the Range header, or empty
  int status = 0;          // 0: no status line was sent
  std::uint64_t body_bytes_sent = 0;
  std::int64_t start_us = 0;  // since the server was made
  std::int64_t end_us = 0;
  bool finished = false;        // the answer, or what a fault left of it, is out
  bool client_left = false;     // the client closed before the answer was out
  bool authorization = false;   // an Authorization header was sent
  std::string access_key = {};  // that it says it is signed with
  AuthFailure auth = AuthFailure::none;
  std::string auth_detail = {};
  // As sent, but for Authorization (left out) and tokens and customer keys ("(redacted)").
  Headers headers = {};
  std::vector<std::string> faults = {};  // names of the actions applied
};

// One line of NDJSON, without the line's end.
std::string to_json(const RequestRecord& record);

// Copies `headers` without what is secret.
Headers without_secrets(const Headers& headers);

struct RequestCounts {
  std::map<Operation, std::uint64_t> by_operation = {};
  std::map<AuthFailure, std::uint64_t> auth_failures = {};  // anonymous ones that were allowed not
  std::uint64_t total = 0;
  std::uint64_t errors = 0;  // status >= 400
  std::uint64_t body_bytes_sent = 0;
  std::uint64_t connections = 0;
  std::uint64_t active = 0;
  std::uint64_t max_active = 0;  // requests being answered at the same time

  std::uint64_t of(Operation operation) const {
    const auto found = by_operation.find(operation);
    return found != by_operation.end() ? found->second : 0;
  }
  // Requests whose signature was refused, a wrong region not counted: it is a fair question.
  std::uint64_t refused_signatures() const;
};

// Thread-safe.
class RequestLog {
 public:
  using Sink = std::function<void(const RequestRecord&)>;

  // `keep` false: counts only, for servers that run for long. `sink` gets each finished record, one
  // at a time; it may ask this log.
  RequestLog(bool keep, Sink sink) : keep_(keep), sink_(std::move(sink)) {}

  std::uint64_t new_connection();
  std::uint64_t begin(RequestRecord record);  // returns the id
  // The record with this id, as it is now.
  void end(RequestRecord record);

  // A client may have its whole answer a moment before the record is finished: this waits until no
  // request is being answered, or for `most`.
  void settle(std::chrono::milliseconds most) const;

  std::vector<RequestRecord> records() const;
  RequestCounts counts() const;
  // Forgets records and counts; ids go on.
  void clear();

 private:
  const bool keep_;
  const Sink sink_;
  std::mutex sink_mutex_;
  mutable std::mutex mutex_;
  mutable std::condition_variable idle_;
  std::map<std::uint64_t, RequestRecord> records_;
  RequestCounts counts_;
  std::uint64_t last_id_ = 0;
  std::uint64_t last_connection_ = 0;
};

}  // namespace sluice::origin

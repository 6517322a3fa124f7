// Decides what a request is answered: pure, but for reading buckets and the clock.
#pragma once

#include "origin/bucket.hpp"
#include "origin/issuer.hpp"
#include "origin/listing.hpp"
#include "origin/operation.hpp"
#include "origin/server.hpp"
#include "origin/sigv4.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::origin {

struct Answer {
  Response response;
  // Set for a good listing; response has no body until the page is written by seal().
  std::optional<ListPage> page = {};
};

// Thread-safe.
class Service {
 public:
  explicit Service(const ServerOptions& options) : options_(options) {}

  void add_bucket(std::string name, std::shared_ptr<Bucket> bucket);
  std::shared_ptr<Bucket> find_bucket(std::string_view name) const;
  std::vector<std::string> bucket_names() const;

  // To a bucket, or to one of the credential services that are switched on.
  Route route(const Request& request) const;
  Verification verify(const Request& request, const Route& route) const;
  Answer answer(const Request& request, const Route& route, const Verification& verification,
                std::string_view request_id) const;

  std::int64_t now_ms() const;
  void expire_credentials() { issuer_.expire_all(now_ms()); }

 private:
  Answer refuse(const Route& route, const Verification& verification,
                std::string_view request_id) const;
  Answer refuse_region(const Route& route, const Verification& verification,
                       std::string_view request_id) const;
  Answer answer_bucket(const Request& request, const Route& route, Bucket& bucket,
                       std::string_view request_id) const;

  const ServerOptions& options_;
  mutable Issuer issuer_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Bucket>, std::less<>> buckets_;
};

// Adds what every answer carries: Date, Server, x-amz-request-id.
void add_common_headers(Response& response, std::string_view request_id, std::int64_t now_ms);

// The last step: writes the page, and leaves an answer to HEAD without bytes.
void seal(Answer& answer, const Request& request);

}  // namespace sluice::origin

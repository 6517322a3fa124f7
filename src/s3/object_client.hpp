#pragma once

#include "s3/client.hpp"

#include <functional>
#include <memory>

namespace sluice::s3 {

/// Makes the connections to one endpoint: http::Client::make, or a fake.
using HttpClientFactory =
    std::function<Result<std::unique_ptr<http::Client>>(const http::Endpoint& endpoint)>;

/// make_client over connections of the caller's making.
Result<std::unique_ptr<store::ObjectStore>> make_client_over(async::Runtime& runtime,
                                                             std::shared_ptr<Session> session,
                                                             HttpClientFactory factory);

}  // namespace sluice::s3

#pragma once

#include "http/client.hpp"
#include "http/resolver.hpp"

namespace sluice::http {

/// Client::make with another way to look names up; `Client::make` itself asks the system.
Result<std::unique_ptr<Client>> make_client(async::Runtime& runtime, async::Executor executor,
                                            Endpoint endpoint, ClientOptions options,
                                            LookUp look_up);

}  // namespace sluice::http

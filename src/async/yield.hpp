#pragma once

#include "async/task.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::async {

/// Goes to the end of the queue of the caller's executor: whatever is ready to run there runs
/// first.
inline Task<void> yield() {
  const Executor executor = co_await boost::asio::this_coro::executor;
  co_await boost::asio::post(executor, boost::asio::use_awaitable);
}

}  // namespace sluice::async

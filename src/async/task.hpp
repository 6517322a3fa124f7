#pragma once

#include "base/time.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>

namespace sluice::async {

/// Where a coroutine runs: one thread of a Runtime.
using Executor = boost::asio::any_io_executor;

/// A coroutine. It takes values, or references that outlive it; it never runs on two threads at
/// once. Failures are values (Result); an exception out of a Task is cancellation or a bug.
template <class T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace sluice::async

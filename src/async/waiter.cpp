#include "async/waiter.hpp"

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <mutex>
#include <optional>
#include <utility>

namespace sluice::async {

namespace asio = boost::asio;

namespace {

/// A suspended coroutine with its type erased.
class Continuation {
 public:
  virtual ~Continuation() = default;
  /// Posts the resumption to the coroutine's executor and consumes the handler.
  virtual void resume(Waiter::Outcome outcome) = 0;
};

template <class Handler>
class ContinuationOf final : public Continuation {
 public:
  explicit ContinuationOf(Handler handler) : handler_(std::move(handler)) {}

  void resume(Waiter::Outcome outcome) override {
    auto executor = asio::get_associated_executor(handler_);
    asio::post(executor, [handler = std::move(handler_), outcome]() mutable {
      // On the coroutine's own thread: only here may its cancellation slot be touched.
      if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected())
        slot.clear();
      std::move(handler)(outcome);
    });
  }

 private:
  Handler handler_;
};

}  // namespace

struct Waiter::State {
  std::mutex mutex;
  std::unique_ptr<Continuation> continuation;
  bool notified = false;

  void finish(Outcome outcome) {
    std::unique_ptr<Continuation> taken;
    {
      std::lock_guard lock(mutex);
      if (outcome == Outcome::notified) notified = true;
      taken = std::move(continuation);
    }
    if (taken) taken->resume(outcome);
  }

  template <class Handler>
  void start(const std::shared_ptr<State>& self, Handler handler) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected()) {
      slot.assign([weak = std::weak_ptr<State>(self)](asio::cancellation_type) {
        if (auto state = weak.lock()) state->finish(Outcome::cancelled);
      });
    }
    auto holder = std::make_unique<ContinuationOf<Handler>>(std::move(handler));
    {
      std::lock_guard lock(mutex);
      if (!notified) {
        continuation = std::move(holder);
        return;
      }
    }
    holder->resume(Outcome::notified);
  }
};

Waiter::Waiter() : state_(std::make_shared<State>()) {}
Waiter::~Waiter() = default;

Task<Waiter::Outcome> Waiter::wait() {
  auto* state = &state_;
  auto initiation = [state](auto handler) { (*state)->start(*state, std::move(handler)); };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Outcome)>(
      initiation, asio::use_awaitable);
}

void Waiter::notify() noexcept {
  state_->finish(Outcome::notified);
}

void throw_cancelled() {
  throw boost::system::system_error(asio::error::operation_aborted);
}

bool is_cancellation(const std::exception_ptr& error) noexcept {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    return e.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace sluice::async

#include "mirror/connect.hpp"
#include "mirror/lister.hpp"
#include "plan/filter.hpp"

#include "sluice/mirror.hpp"

#include <memory>
#include <optional>
#include <string>

namespace sluice {

namespace {

/// Retries of a listing are told to the observer as they are in a pass.
class TellsRetries final : public transfer::RetryListener {
 public:
  explicit TellsRetries(Observer& observer) : observer_(observer) {}
  void on_retry(const Error& error, unsigned attempt, std::chrono::milliseconds) override {
    observer_.on_message(Level::debug,
                         "try " + std::to_string(attempt) + " failed: " + error.message);
  }

 private:
  Observer& observer_;
};

ListEntry entry_of(const ListedObject& object) {
  return ListEntry{object.key, object.etag, object.size, object.modified_ms,
                   object.storage == StorageClass::archived};
}

async::Task<bool> ready(bool value) {
  co_return value;
}

async::Task<void> list_everything(mirror::ListContext& context, const mirror::PageSink& sink,
                                  std::optional<Error>& failure) {
  const KeyRange everything;
  const auto listed = co_await mirror::list_range(context, everything, sink);
  if (!listed) failure = listed.error();
}

}  // namespace

std::optional<Error> list_bucket(const ListOptions& options, Observer& observer,
                                 const std::function<bool(const ListEntry&)>& on_entry) {
  const auto valid = mirror::validate(options.tuning);
  if (!valid) return valid.error();
  auto session = mirror::open_session(options.source, options.tuning, observer);
  if (!session) return session.error();
  const auto runtime = async::make_threaded_runtime(async::ThreadedOptions{.data_shards = 1});
  auto store = s3::make_client(*runtime, runtime->executor(async::Role::control), *session);
  if (!store) return store.error();

  const plan::Filter filter(options.filters);
  TellsRetries listener(observer);
  transfer::RetryPolicy retry;
  retry.max_attempts = options.tuning.max_attempts;
  mirror::ListContext context{*runtime, **store, retry, listener,
                              options.source.prefix + filter.common_beginning()};
  const mirror::PageSink sink = [&](ListPage& page) {
    for (const ListedObject& object : page.objects) {
      if (!filter.includes(object.key.substr(options.source.prefix.size()))) continue;
      if (!on_entry(entry_of(object))) return ready(false);
    }
    return ready(true);
  };

  std::optional<Error> failure;
  runtime->run([&]() { return list_everything(context, sink, failure); });
  return failure;
}

}  // namespace sluice

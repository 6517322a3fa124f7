#include "mirror/connect.hpp"
#include "mirror/parallel_lister.hpp"
#include "mirror/tells_retries.hpp"
#include "plan/filter.hpp"

#include "sluice/mirror.hpp"

#include <memory>
#include <optional>
#include <string>

namespace sluice {

namespace {

ListEntry entry_of(const ListedObject& object) {
  return ListEntry{object.key, object.etag, object.size, object.modified_ms,
                   object.storage == StorageClass::archived};
}

async::Task<bool> ready(bool value) {
  co_return value;
}

/// A server that is not known to list in byte order is listed page after page, unless asked for
/// more: what is listed wrongly here does no harm to a mirror.
mirror::ParallelOptions parallel_options(const ListOptions& options, const s3::Session& session) {
  mirror::ParallelOptions parallel;
  const bool is_wanted = session.is_aws() || options.tuning.list_concurrency != 0;
  parallel.concurrency = is_wanted ? mirror::resolved_list_concurrency(options.tuning) : 1;
  parallel.bytes_ahead = mirror::bytes_for_pages(options.tuning);
  return parallel;
}

async::Task<void> list_everything(mirror::ListContext& context,
                                  const mirror::ParallelOptions& parallel,
                                  const mirror::PageSink& sink, std::optional<Error>& failure) {
  const auto listed = co_await mirror::list_in_ranges(context, parallel, sink);
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
  mirror::TellsRetries listener(observer);
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
  const mirror::ParallelOptions parallel = parallel_options(options, **session);
  runtime->run([&]() { return list_everything(context, parallel, sink, failure); });
  return failure;
}

}  // namespace sluice

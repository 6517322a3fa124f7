#include "tune/metered_store.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace sluice::tune {

bool Allowance::take(std::uint64_t bytes) noexcept {
  std::uint64_t left = left_;
  while (left >= bytes)
    if (left_.compare_exchange_weak(left, left - bytes)) return true;
  return false;
}

void Meter::note_first_byte(double ms) {
  const std::lock_guard lock(mutex_);
  first_bytes_ms_.push_back(ms);
}

BenchLatency Meter::latency() {
  const std::lock_guard lock(mutex_);
  BenchLatency out;
  if (first_bytes_ms_.empty()) return out;
  std::sort(first_bytes_ms_.begin(), first_bytes_ms_.end());
  const std::size_t count = first_bytes_ms_.size();
  for (const double ms : first_bytes_ms_)
    out.mean_ms += ms / static_cast<double>(count);
  out.p50_ms = first_bytes_ms_[(count - 1) / 2];
  out.p99_ms = first_bytes_ms_[(count - 1) * 99 / 100];
  return out;
}

namespace {

/// What the answer says of the object, as the engine shall see it.
void show_as(const Sample::Source& source, store::ObjectHead& head) {
  if (!source.is_cut()) return;
  head.version = source.version;
  head.checksums.clear();
}

class MeteredSink final : public store::BodySink {
 public:
  MeteredSink(async::Runtime& runtime, const Sample::Source& source, Meter& meter,
              store::BodySink& inner)
      : runtime_(runtime), source_(source), meter_(meter), inner_(inner), asked_(runtime.now()) {}

  Result<void> begin(const store::ObjectHead& head) override {
    const std::chrono::duration<double, std::milli> waited = runtime_.now() - asked_;
    meter_.note_first_byte(waited.count());
    if (!source_.is_cut()) return inner_.begin(head);
    store::ObjectHead shown = head;
    show_as(source_, shown);
    return inner_.begin(shown);
  }
  Result<void> write(std::span<const std::byte> bytes) override { return inner_.write(bytes); }
  bool takes_pipe() const noexcept override { return inner_.takes_pipe(); }
  Result<void> write_pipe(Pipe& pipe) override { return inner_.write_pipe(pipe); }

 private:
  async::Runtime& runtime_;
  const Sample::Source& source_;
  Meter& meter_;
  store::BodySink& inner_;
  const SteadyTime asked_;
};

class MeteredStore final : public store::ObjectStore {
 public:
  MeteredStore(async::Runtime& runtime, std::unique_ptr<store::ObjectStore> inner,
               const Sample& sample, Meter& meter)
      : runtime_(runtime), inner_(std::move(inner)), sample_(sample), meter_(meter) {}

  async::Task<Result<ListPage>> list(store::ListRequest request) override {
    co_return sample_.list_page(request.token);
  }

  async::Task<Result<store::ObjectHead>> head(store::HeadRequest request) override {
    const Sample::Source source = sample_.source_of(request.key);
    request.key = source.object.key;
    auto head = co_await inner_->head(std::move(request));
    if (head) show_as(source, *head);
    co_return head;
  }

  async::Task<Result<store::ObjectHead>> get(store::GetRequest request,
                                             store::BodySink& sink) override {
    const Sample::Source source = sample_.source_of(request.key);
    request.key = source.object.key;
    request.version = source.object.version;
    if (source.is_cut() && !request.range) request.range = ByteRange::make(0, source.bytes);
    if (source.is_cut()) request.want_checksum = false;
    const std::uint64_t bytes = request.range ? request.range->length() : source.bytes;
    if (!meter_.allowance().take(bytes)) {
      meter_.refuse();
      co_return Error(ErrorKind::cancelled, "the budget is used up");
    }
    MeteredSink metered(runtime_, source, meter_, sink);
    auto got = co_await inner_->get(std::move(request), metered);
    if (got) show_as(source, *got);
    co_return got;
  }

  async::Task<Result<bool>> is_gone(std::string key) override {
    const Sample::Source source = sample_.source_of(key);
    co_return co_await inner_->is_gone(source.object.key);
  }

 private:
  async::Runtime& runtime_;
  const std::unique_ptr<store::ObjectStore> inner_;
  const Sample& sample_;
  Meter& meter_;
};

}  // namespace

std::unique_ptr<store::ObjectStore> make_metered_store(async::Runtime& runtime,
                                                       std::unique_ptr<store::ObjectStore> inner,
                                                       const Sample& sample, Meter& meter) {
  return std::make_unique<MeteredStore>(runtime, std::move(inner), sample, meter);
}

}  // namespace sluice::tune

// The contract of store::ObjectStore (src/store/object_store.hpp), as tests that every
// implementation passes: the engine's tests run on the fake, so it must behave as the real one.
#pragma once

#include "async/call_on.hpp"
#include "remote.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sluice::conformance {

/// Keeps what it is given, and fails when it is told to.
class KeepingSink final : public store::BodySink {
 public:
  Result<void> begin(const store::ObjectHead& head) override {
    heads.push_back(head);
    if (failure_at_begin) return *failure_at_begin;
    return {};
  }
  Result<void> write(std::span<const std::byte> bytes) override {
    if (heads.empty()) bytes_before_begin = true;
    body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (failure_after && body.size() >= *failure_after)
      return Error(ErrorKind::local, "the disk is full");
    return {};
  }

  /// Where the store can: plain HTTP, larger bodies.
  bool takes_pipe() const noexcept override { return true; }
  Result<void> write_pipe(Pipe& pipe) override {
    std::vector<std::byte> bytes(pipe.held());
    while (pipe.held() > 0) {
      const ssize_t got = pipe.read(bytes);
      if (got <= 0) return Error(ErrorKind::local, "the pipe is empty");
      const auto written = write(std::span(bytes).first(static_cast<std::size_t>(got)));
      if (!written) return written;
    }
    return {};
  }

  std::vector<store::ObjectHead> heads;
  std::string body;
  bool bytes_before_begin = false;
  std::optional<Error> failure_at_begin;
  std::optional<std::size_t> failure_after;
};

class Conformance : public ::testing::TestWithParam<Kind> {
 protected:
  template <class T>
  using Operation = std::function<async::Task<Result<T>>(store::ObjectStore&)>;

  /// One call on a store of its own, in a runtime of its own.
  template <class T>
  Result<T> call(const Operation<T>& operation) {
    const auto runtime = remote_->make_runtime();
    std::optional<Result<T>> result;
    runtime->run([&]() -> async::Task<void> {
      const auto store = remote_->make_store(*runtime);
      Result<T> got = co_await operation(*store);
      result.emplace(std::move(got));
    });
    return *std::move(result);
  }

  Result<ListPage> list(store::ListRequest request) {
    return call<ListPage>([&](store::ObjectStore& store) { return store.list(request); });
  }
  Result<store::ObjectHead> head(const std::string& key, bool want_checksum = false) {
    store::HeadRequest request;
    request.key = key;
    request.want_checksum = want_checksum;
    return call<store::ObjectHead>([&](store::ObjectStore& store) { return store.head(request); });
  }
  Result<store::ObjectHead> get(store::GetRequest request, KeepingSink& sink) {
    return call<store::ObjectHead>(
        [&](store::ObjectStore& store) { return store.get(request, sink); });
  }
  Result<bool> is_gone(const std::string& key) {
    return call<bool>([&](store::ObjectStore& store) { return store.is_gone(key); });
  }

  /// A GET of the version that is listed now.
  store::GetRequest wanted(const std::string& key) {
    store::ListRequest request;
    request.prefix = key;
    const ListPage page = list(std::move(request)).value();
    store::GetRequest out;
    out.key = key;
    out.version = page.objects.at(0).version();
    return out;
  }

  std::unique_ptr<Remote> remote_ = make_remote(GetParam());
};

inline std::string remote_name(const ::testing::TestParamInfo<Kind>& info) {
  switch (info.param) {
    case Kind::fake:
      return "fake";
    case Kind::fake_threaded:
      return "fake_threaded";
    case Kind::http:
      return "http";
    case Kind::https:
      return "https";
    case Kind::http_v1:
      return "http_v1";
    case Kind::http_v1_whatever:
      return "http_v1_whatever";
  }
  return "unknown";
}

#define SLUICE_ON_ALL_REMOTES(Fixture)                                                            \
  INSTANTIATE_TEST_SUITE_P(Remotes, Fixture,                                                      \
                           ::testing::Values(Kind::fake, Kind::fake_threaded, Kind::http,         \
                                             Kind::https, Kind::http_v1, Kind::http_v1_whatever), \
                           remote_name)

}  // namespace sluice::conformance

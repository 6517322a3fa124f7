#include "transfer/file_digester.hpp"

#include "async/call_on.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <unistd.h>
#include <utility>

namespace sluice::transfer {

namespace {

/// What a lane hashes between two turns of the role: sixteen of these fit the second-level cache.
constexpr std::size_t kBufferBytes = 32 * 1024;

/// How often a lane that waits for others looks whether they have come.
constexpr std::chrono::milliseconds kLook{1};

}  // namespace

async::Task<Result<Digest>> FileDigester::md5(int fd, std::uint64_t size) {
  const Stretch whole{0, size, size + 1};
  return async::call_on<Result<Digest>>(runtime_.executor(async::Role::verify), run(fd, whole));
}

async::Task<Result<Digest>> FileDigester::md5(int fd, ByteRange part) {
  const Stretch some{part.offset(), part.length(), part.length()};
  return async::call_on<Result<Digest>>(runtime_.executor(async::Role::verify), run(fd, some));
}

async::Task<Result<Digest>> FileDigester::run(int fd, Stretch stretch) {
  Lane lane;
  lane.fd = fd;
  lane.came = runtime_.now();
  lane.begin = stretch.begin;
  lane.size = stretch.size;
  lane.most = stretch.most;
  lanes_.push_back(&lane);
  // However this coroutine ends, its lane goes, and the work passes on to the next.
  struct Leaves {
    FileDigester& digester;
    Lane& lane;
    ~Leaves() { digester.leave(lane); }
  } const leaves{*this, lane};

  while (!lane.done) {
    if (driven_) {
      lane.waiter = std::make_shared<async::Waiter>();
      const auto waiter = lane.waiter;
      const async::Waiter::Outcome outcome = co_await waiter->wait();
      lane.waiter.reset();
      if (outcome == async::Waiter::Outcome::cancelled) async::throw_cancelled();
      continue;
    }
    const bool is_worth = is_worth_a_step();
    if (is_worth) step();
    if (lane.done) break;
    // New lanes join, and cancellation arrives, between two steps.
    const SteadyTime next = is_worth ? runtime_.now() : runtime_.now() + kLook;
    driven_ = true;
    try {
      co_await runtime_.sleep_until(next);
    } catch (...) {
      driven_ = false;
      throw;
    }
    driven_ = false;
  }
  co_return lane.result;
}

void FileDigester::leave(Lane& lane) noexcept {
  std::erase(lanes_, &lane);
  if (driven_) return;
  const auto heir = std::find_if(lanes_.begin(), lanes_.end(), [](const Lane* other) {
    return other->waiter != nullptr && !other->done;
  });
  if (heir != lanes_.end()) (*heir)->waiter->notify();
}

bool FileDigester::is_worth_a_step() const noexcept {
  return lanes_.size() >= crypto::kMd5Lanes || runtime_.now() >= lanes_.front()->came + kGather;
}

void FileDigester::fill(Lane& lane) {
  lane.buffer.resize(kBufferBytes);
  const std::uint64_t end = std::min<std::uint64_t>(lane.buffer.size(), lane.most - lane.offset);
  while (lane.filled < end) {
    const ssize_t got = pread(lane.fd, lane.buffer.data() + lane.filled, end - lane.filled,
                              static_cast<off_t>(lane.begin + lane.offset + lane.filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return conclude(lane, local_error("cannot read a file to verify it", errno));
    if (got == 0) return;
    lane.filled += static_cast<std::size_t>(got);
  }
}

void FileDigester::finish(Lane& lane) {
  const std::uint64_t length = lane.offset + lane.filled;
  if (length != lane.size)
    return conclude(
        lane, Error(ErrorKind::corrupt, "a file has " + std::to_string(length) + " bytes where " +
                                            std::to_string(lane.size) + " were expected"));
  const auto tail = std::span<const std::byte>(lane.buffer).first(lane.filled);
  conclude(lane, Digest{DigestKind::md5, crypto::md5_finish(lane.state, tail, length)});
}

/// Whichever coroutine does the work: that of the lane hears of it.
void FileDigester::conclude(Lane& lane, Result<Digest> result) {
  lane.result = std::move(result);
  lane.done = true;
  if (lane.waiter) lane.waiter->notify();
}

void FileDigester::step() {
  std::array<crypto::Md5Lane, crypto::kMd5Lanes> streams;
  std::array<Lane*, crypto::kMd5Lanes> active{};
  std::size_t count = 0;
  std::size_t blocks = kBufferBytes / crypto::kMd5BlockBytes;
  for (Lane* lane : lanes_) {
    if (count == crypto::kMd5Lanes) break;
    if (lane->done) continue;
    fill(*lane);
    if (lane->done) continue;
    streams[count] = {&lane->state, lane->buffer.data()};
    active[count++] = lane;
    blocks = std::min(blocks, lane->filled / crypto::kMd5BlockBytes);
  }
  if (count == 0) return;
  crypto::md5_blocks(std::span(streams).first(count), blocks);
  const std::size_t used = blocks * crypto::kMd5BlockBytes;
  for (std::size_t i = 0; i < count; ++i) {
    Lane& lane = *active[i];
    lane.offset += used;
    lane.filled -= used;
    std::memmove(lane.buffer.data(), lane.buffer.data() + used, lane.filled);
    if (lane.filled < crypto::kMd5BlockBytes) {
      fill(lane);
      if (!lane.done && lane.filled < crypto::kMd5BlockBytes) finish(lane);
    }
  }
}

}  // namespace sluice::transfer

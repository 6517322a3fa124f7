#include "transfer/body_digester.hpp"

#include "async/yield.hpp"
#include "crypto/md5_lanes.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::transfer {

namespace {

/// One body on its way through a lane.
struct Lane {
  crypto::Md5State state;
  std::span<const std::byte> left;
};

/// Hashes what whole blocks all lanes still have; then the longer ones go on alone.
void hash_side_by_side(std::span<Lane> lanes) {
  std::array<crypto::Md5Lane, crypto::kMd5Lanes> streams;
  std::size_t blocks = lanes.front().left.size() / crypto::kMd5BlockBytes;
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    streams[i] = {&lanes[i].state, lanes[i].left.data()};
    blocks = std::min(blocks, lanes[i].left.size() / crypto::kMd5BlockBytes);
  }
  if (blocks > 0) crypto::md5_blocks(std::span(streams).first(lanes.size()), blocks);
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    lanes[i].left = lanes[i].left.subspan(blocks * crypto::kMd5BlockBytes);
    const std::size_t alone = lanes[i].left.size() / crypto::kMd5BlockBytes;
    const crypto::Md5Lane stream{&lanes[i].state, lanes[i].left.data()};
    if (alone > 0) crypto::md5_blocks(std::span(&stream, 1), alone);
    lanes[i].left = lanes[i].left.subspan(alone * crypto::kMd5BlockBytes);
  }
}

}  // namespace

async::Task<Digest> BodyDigester::md5(std::span<const std::byte> body) {
  Body own;
  own.bytes = body;
  const bool gathers = waiting_.empty();
  waiting_.push_back(&own);
  // However this coroutine ends, nobody touches its body afterwards.
  struct Leaves {
    std::vector<Body*>& waiting;
    Body& body;
    ~Leaves() { std::erase(waiting, &body); }
  } const leaves{waiting_, own};

  if (gathers) {
    try {
      co_await async::yield();
    } catch (...) {
      hash_all();  // those who came after us wait for nobody else
      throw;
    }
    hash_all();
    co_return std::move(own.digest);
  }
  if (waiting_.size() >= crypto::kMd5Lanes * 4) hash_all();
  if (!own.done) {
    own.waiter = std::make_shared<async::Waiter>();
    const auto waiter = own.waiter;
    const async::Waiter::Outcome outcome = co_await waiter->wait();
    if (outcome == async::Waiter::Outcome::cancelled) async::throw_cancelled();
  }
  co_return std::move(own.digest);
}

void BodyDigester::hash_all() {
  // From here on whoever comes waits for another round.
  std::vector<Body*> bodies = std::exchange(waiting_, {});
  // Those of like length share a turn.
  std::sort(bodies.begin(), bodies.end(),
            [](const Body* a, const Body* b) { return a->bytes.size() < b->bytes.size(); });
  for (std::size_t first = 0; first < bodies.size(); first += crypto::kMd5Lanes) {
    const std::size_t count = std::min(crypto::kMd5Lanes, bodies.size() - first);
    std::array<Lane, crypto::kMd5Lanes> lanes;
    for (std::size_t i = 0; i < count; ++i)
      lanes[i].left = bodies[first + i]->bytes;
    hash_side_by_side(std::span(lanes).first(count));
    for (std::size_t i = 0; i < count; ++i) {
      Body& body = *bodies[first + i];
      body.digest = Digest{DigestKind::md5,
                           crypto::md5_finish(lanes[i].state, lanes[i].left, body.bytes.size())};
      body.done = true;
      if (body.waiter) body.waiter->notify();
    }
  }
}

}  // namespace sluice::transfer

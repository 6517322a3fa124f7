#pragma once

#include "async/runtime.hpp"
#include "async/waiter.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "crypto/md5_lanes.hpp"
#include "model/proof.hpp"
#include "model/range.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sluice::transfer {

/// MD5 of whole files, for all who ask at about the same time, side by side in the lanes of one
/// SIMD unit: sixteen take as long as one. One for the whole engine; it must outlive every call.
class FileDigester {
 public:
  explicit FileDigester(async::Runtime& runtime) : runtime_(runtime) {}

  /// How long one waits for others to go beside it, at most.
  static constexpr std::chrono::milliseconds kGather{20};

  /// Call from any role; the work is done on the verify role, from the page cache. `corrupt` if the
  /// file is not `size` bytes long. `fd` must stay open until the call ends.
  async::Task<Result<Digest>> md5(int fd, std::uint64_t size);
  /// The same of a part of the file, whatever follows; `corrupt` if the file ends before it does.
  async::Task<Result<Digest>> md5(int fd, ByteRange part);

 private:
  /// One file on its way. Everything here is touched on the verify role only.
  struct Lane {
    int fd = -1;
    SteadyTime came{};
    std::uint64_t begin = 0;  ///< where in the file
    std::uint64_t size = 0;
    std::uint64_t most = 0;    ///< to be read: more than `size`, to see that it is not there
    std::uint64_t offset = 0;  ///< bytes hashed so far, whole blocks
    crypto::Md5State state;
    std::vector<std::byte> buffer;  ///< from its first turn on
    std::size_t filled = 0;         ///< bytes in the buffer
    bool done = false;
    Result<Digest> result{Digest{}};
    std::shared_ptr<async::Waiter> waiter;  ///< set while another lane's coroutine does the work
  };

  struct Stretch {
    std::uint64_t begin;
    std::uint64_t size;
    std::uint64_t most;
  };
  async::Task<Result<Digest>> run(int fd, Stretch stretch);
  bool is_worth_a_step() const noexcept;
  void step();  ///< reads and hashes one buffer of every active lane
  static void fill(Lane& lane);
  static void finish(Lane& lane);
  static void conclude(Lane& lane, Result<Digest> result);
  void leave(Lane& lane) noexcept;

  async::Runtime& runtime_;
  std::vector<Lane*> lanes_;  ///< first come first served; the first kMd5Lanes are active
  bool driven_ = false;       ///< some lane's coroutine does the work for all
};

}  // namespace sluice::transfer

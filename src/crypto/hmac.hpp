#pragma once

#include "crypto/digest.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <span>

/// SHA-256 and HMAC-SHA-256 (RFC 2104) of what is at hand as a whole. Safe from any thread.
namespace sluice::crypto {

using Sha256 = std::array<std::byte, 32>;

Sha256 sha256(std::span<const std::byte> data);
Sha256 hmac_sha256(std::span<const std::byte> key, std::span<const std::byte> data);

/// HMAC-SHA-256 under one key for many messages: the two key blocks are hashed once, which is half
/// of the work for a short message. The key itself is not kept.
class HmacKey {
 public:
  explicit HmacKey(std::span<const std::byte> key);

  /// May run on several threads at once.
  Sha256 sign(std::span<const std::byte> data) const;

 private:
  struct FreeContext {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  using Context = std::unique_ptr<evp_md_ctx_st, FreeContext>;

  static Context absorbed(std::span<const std::byte> block);

  Context inner_;
  Context outer_;
};

}  // namespace sluice::crypto

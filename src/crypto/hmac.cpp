#include "crypto/hmac.hpp"

#include "crypto/evp.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <new>

namespace sluice::crypto {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kBlockBytes = 64;  // of SHA-256; RFC 2104 calls it B

/// The two key blocks of RFC 2104, wiped at the end of their scope.
struct KeyBlocks {
  explicit KeyBlocks(Bytes key) {
    std::array<std::byte, kBlockBytes> block{};
    if (key.size() > kBlockBytes) {
      const Sha256 shorter = sha256(key);
      std::ranges::copy(shorter, block.begin());
    } else {
      std::ranges::copy(key, block.begin());
    }
    for (std::size_t i = 0; i < kBlockBytes; ++i) {
      inner[i] = block[i] ^ std::byte{0x36};
      outer[i] = block[i] ^ std::byte{0x5c};
    }
    OPENSSL_cleanse(block.data(), block.size());
  }
  ~KeyBlocks() {
    OPENSSL_cleanse(inner.data(), inner.size());
    OPENSSL_cleanse(outer.data(), outer.size());
  }
  KeyBlocks(const KeyBlocks&) = delete;
  KeyBlocks& operator=(const KeyBlocks&) = delete;

  std::array<std::byte, kBlockBytes> inner;
  std::array<std::byte, kBlockBytes> outer;
};

EVP_MD_CTX* new_context() {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  if (context == nullptr) throw std::bad_alloc();
  return context;
}

/// A context of this thread to work in: making one costs as much as a short digest.
class Scratch {
 public:
  Scratch() : context_(new_context()) {}
  ~Scratch() { EVP_MD_CTX_free(context_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  void begin() {
    detail::check_evp(EVP_DigestInit_ex2(context_, detail::evp_digest(Algorithm::sha256), nullptr),
                      "EVP_DigestInit_ex2");
  }
  void begin_from(const EVP_MD_CTX* prepared) {
    detail::check_evp(EVP_MD_CTX_copy_ex(context_, prepared), "EVP_MD_CTX_copy_ex");
  }
  void update(Bytes bytes) {
    detail::check_evp(EVP_DigestUpdate(context_, bytes.data(), bytes.size()), "EVP_DigestUpdate");
  }
  Sha256 finish() {
    Sha256 digest;
    detail::check_evp(
        EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(digest.data()), nullptr),
        "EVP_DigestFinal_ex");
    return digest;
  }

 private:
  EVP_MD_CTX* context_;
};

Scratch& scratch() {
  thread_local Scratch context;
  return context;
}

}  // namespace

Sha256 sha256(Bytes data) {
  Scratch& work = scratch();
  work.begin();
  work.update(data);
  return work.finish();
}

Sha256 hmac_sha256(Bytes key, Bytes data) {
  const KeyBlocks blocks(key);
  Scratch& work = scratch();
  work.begin();
  work.update(blocks.inner);
  work.update(data);
  const Sha256 inner = work.finish();
  work.begin();
  work.update(blocks.outer);
  work.update(inner);
  return work.finish();
}

void HmacKey::FreeContext::operator()(evp_md_ctx_st* context) const noexcept {
  EVP_MD_CTX_free(context);
}

HmacKey::Context HmacKey::absorbed(Bytes block) {
  Context context(new_context());
  detail::check_evp(
      EVP_DigestInit_ex2(context.get(), detail::evp_digest(Algorithm::sha256), nullptr),
      "EVP_DigestInit_ex2");
  detail::check_evp(EVP_DigestUpdate(context.get(), block.data(), block.size()),
                    "EVP_DigestUpdate");
  return context;
}

HmacKey::HmacKey(Bytes key) {
  const KeyBlocks blocks(key);
  inner_ = absorbed(blocks.inner);
  outer_ = absorbed(blocks.outer);
}

Sha256 HmacKey::sign(Bytes data) const {
  Scratch& work = scratch();
  work.begin_from(inner_.get());
  work.update(data);
  const Sha256 inner = work.finish();
  work.begin_from(outer_.get());
  work.update(inner);
  return work.finish();
}

}  // namespace sluice::crypto

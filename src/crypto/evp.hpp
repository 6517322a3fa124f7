#pragma once

#include "crypto/digest.hpp"

struct evp_md_st;  // OpenSSL's EVP_MD

/// OpenSSL's message digests. Private to crypto.
namespace sluice::crypto::detail {

/// Fetched once a process and kept for ever: a fetch costs more than a short digest (OpenSSL 3).
/// Only md5, sha1 and sha256. std::runtime_error if there is none.
const evp_md_st* evp_digest(Algorithm algorithm);

/// std::runtime_error naming `what` unless `ok` is 1: out of memory, or a provider that broke.
void check_evp(int ok, const char* what);

}  // namespace sluice::crypto::detail

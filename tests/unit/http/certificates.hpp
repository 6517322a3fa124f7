#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace sluice::http {

struct CertificateOptions {
  std::string names = "DNS:localhost";  ///< subjectAltName, as OpenSSL's configuration writes it
  long valid_from_s = -3600;            ///< from now
  long valid_for_s = 3600;              ///< from now
};

/// A certificate and its key, made for one test.
class Identity {
 public:
  /// Signed by `issuer`, or by itself.
  static Identity make(const CertificateOptions& options, const Identity* issuer = nullptr);
  static Identity make_authority();

  std::string pem() const;  ///< the certificate
  /// Its key; with a passphrase, encrypted by it.
  std::string key_pem(const std::string& passphrase = {}) const;
  X509* certificate() const noexcept { return certificate_.get(); }
  /// A server's settings with this certificate.
  std::shared_ptr<SSL_CTX> server() const;

 private:
  Identity(X509* certificate, EVP_PKEY* key);

  std::shared_ptr<X509> certificate_;
  std::shared_ptr<EVP_PKEY> key_;
};

}  // namespace sluice::http

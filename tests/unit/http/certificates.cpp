#include "certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdlib>

namespace sluice::http {

namespace {

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  if (extension == nullptr) std::abort();
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* blank_certificate(EVP_PKEY* key, const std::string& common_name) {
  static std::atomic<long> serial = 1;
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  return certificate;
}

/// What was written into it; frees it.
std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

}  // namespace

Identity::Identity(X509* certificate, EVP_PKEY* key)
    : certificate_(certificate, X509_free), key_(key, EVP_PKEY_free) {}

Identity Identity::make(const CertificateOptions& options, const Identity* issuer) {
  Identity made(nullptr, EVP_EC_gen("P-256"));
  made.certificate_.reset(blank_certificate(made.key_.get(), "test server"), X509_free);
  X509* certificate = made.certificate_.get();
  const Identity& signer = issuer != nullptr ? *issuer : made;
  X509_gmtime_adj(X509_getm_notBefore(certificate), options.valid_from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), options.valid_for_s);
  X509_set_issuer_name(certificate, X509_get_subject_name(signer.certificate_.get()));
  add_extension(certificate, signer.certificate_.get(), NID_subject_alt_name, options.names);
  if (X509_sign(certificate, signer.key_.get(), EVP_sha256()) == 0) std::abort();
  return made;
}

Identity Identity::make_authority() {
  Identity made(nullptr, EVP_EC_gen("P-256"));
  made.certificate_.reset(blank_certificate(made.key_.get(), "test authority"), X509_free);
  X509* certificate = made.certificate_.get();
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  if (X509_sign(certificate, made.key_.get(), EVP_sha256()) == 0) std::abort();
  return made;
}

std::string Identity::pem() const {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate_.get());
  return text_of(bio);
}

std::string Identity::key_pem(const std::string& passphrase) const {
  BIO* bio = BIO_new(BIO_s_mem());
  const auto* secret = reinterpret_cast<const unsigned char*>(passphrase.data());
  PEM_write_bio_PrivateKey(bio, key_.get(), passphrase.empty() ? nullptr : EVP_aes_128_cbc(),
                           secret, static_cast<int>(passphrase.size()), nullptr, nullptr);
  return text_of(bio);
}

std::shared_ptr<SSL_CTX> Identity::server() const {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX_use_certificate(context.get(), certificate_.get());
  SSL_CTX_use_PrivateKey(context.get(), key_.get());
  return context;
}

}  // namespace sluice::http

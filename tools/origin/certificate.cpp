#include "origin/certificate.hpp"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace sluice::origin {
namespace {

template <class T, void (*Free)(T*)>
struct Freer {
  void operator()(T* object) const { Free(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION, X509_EXTENSION_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO, BIO_free_all>>;

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("OpenSSL cannot make a certificate: ") + what);
}

Key new_key() {
  // P-256: a key in 0.1 ms, where RSA takes 100 ms.
  Key key(EVP_EC_gen("P-256"));
  check(key != nullptr, "key");
  return key;
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  check(extension != nullptr, value.c_str());
  check(X509_add_ext(certificate, extension.get(), -1) == 1, value.c_str());
}

Certificate new_certificate(const char* common_name, EVP_PKEY* key,
                            const CertificateOptions& options) {
  Certificate certificate(X509_new());
  check(certificate != nullptr, "certificate");
  X509_set_version(certificate.get(), X509_VERSION_3);
  std::uint32_t serial = 0;
  check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "serial");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), std::uint64_t{serial} + 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), options.valid_from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), options.valid_until_s);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
  return certificate;
}

void sign(X509* certificate, X509* issuer, EVP_PKEY* issuer_key) {
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
  if (certificate != issuer) {
    add_extension(certificate, issuer, NID_authority_key_identifier, "keyid");
  }
  check(X509_sign(certificate, issuer_key, EVP_sha256()) > 0, "signature");
}

std::string alternative_names(const CertificateOptions& options) {
  std::string names;
  for (const std::string& name : options.dns_names)
    names += ",DNS:" + name;
  for (const std::string& address : options.ip_addresses)
    names += ",IP:" + address;
  return names.empty() ? names : names.substr(1);
}

std::string text_of(const Bio& bio) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

std::string to_pem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509(bio.get(), certificate) == 1, "PEM");
  return text_of(bio);
}

std::string to_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
        "PEM");
  return text_of(bio);
}

}  // namespace

TlsOptions TestCertificate::tls() const {
  TlsOptions options;
  options.certificate_pem = certificate_pem;
  options.key_pem = key_pem;
  return options;
}

TestCertificate make_test_certificate(const CertificateOptions& options) {
  const CertificateOptions always;
  const Key ca_key = new_key();
  const Certificate ca = new_certificate("sluice origin test CA", ca_key.get(), always);
  add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  sign(ca.get(), ca.get(), ca_key.get());

  const Key key = new_key();
  const Certificate server = new_certificate("sluice origin", key.get(), options);
  add_extension(server.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(server.get(), ca.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  const std::string names = alternative_names(options);
  if (!names.empty()) add_extension(server.get(), ca.get(), NID_subject_alt_name, names);
  sign(server.get(), ca.get(), ca_key.get());
  return {to_pem(ca.get()), to_pem(server.get()), to_pem(key.get())};
}

TestCertificate make_expired_certificate() {
  CertificateOptions options;
  options.valid_from_s = -20 * 86400;
  options.valid_until_s = -86400;
  return make_test_certificate(options);
}

TestCertificate make_not_yet_valid_certificate() {
  CertificateOptions options;
  options.valid_from_s = 86400;
  return make_test_certificate(options);
}

TestCertificate make_wrong_host_certificate() {
  CertificateOptions options;
  options.dns_names = {"elsewhere.example"};
  options.ip_addresses = {};
  return make_test_certificate(options);
}

std::string read_pem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read " + path);
  return text.str();
}

TlsOptions load_tls_files(const std::string& certificate_path, const std::string& key_path) {
  TlsOptions options;
  options.certificate_pem = read_pem(certificate_path);
  options.key_pem = read_pem(key_path);
  return options;
}

}  // namespace sluice::origin

// Throw-away certificates for tests and the demo. Never for anything else.
#pragma once

#include "origin/server.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::origin {

struct CertificateOptions {
  // OpenSSL takes a wildcard only above two labels: for virtual hosts use bucket.s3.localhost.
  std::vector<std::string> dns_names = {"localhost", "s3.localhost", "*.s3.localhost"};
  std::vector<std::string> ip_addresses = {"127.0.0.1", "::1"};
  std::int64_t valid_from_s = -3600;        // relative to now
  std::int64_t valid_until_s = 30 * 86400;  // relative to now
};

struct TestCertificate {
  std::string ca_pem;           // what a client must trust (--ca-bundle)
  std::string certificate_pem;  // signed by that CA, for the names asked
  std::string key_pem;

  TlsOptions tls() const;
};

// A new CA and a server certificate. Throws std::runtime_error if OpenSSL fails.
TestCertificate make_test_certificate(const CertificateOptions& options = {});

// The same, with one thing wrong.
TestCertificate make_expired_certificate();
TestCertificate make_not_yet_valid_certificate();
TestCertificate make_wrong_host_certificate();

// Reads a PEM file. Throws std::runtime_error naming it.
std::string read_pem(const std::string& path);

// Reads PEM files. Throws std::runtime_error naming the file.
TlsOptions load_tls_files(const std::string& certificate_path, const std::string& key_path);

}  // namespace sluice::origin

// The command line of sluice-origin.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::origin {

struct Arguments {
  std::string dir;
  std::string synthetic;
  std::string bucket = "demo";
  std::string listen_address = "127.0.0.1";
  std::uint16_t listen_port = 0;
  std::string port_file;
  std::string tls_cert;
  std::string tls_key;
  std::string tls_self_signed;
  std::string client_ca;
  std::string access_key;
  std::string secret_key;
  std::string session_token;
  bool anonymous = false;
  std::string region;
  int redirect = 0;  // 301 or 307; 0: 400
  std::string redirect_to;
  std::vector<std::string> services;
  std::string instance_version = "2";
  std::string service_token;
  std::int64_t credential_lifetime_s = 3600;
  std::size_t page_size = 1000;
  std::string lists = "2";
  std::int64_t list_delay_ms = 0;
  std::string faults;
  std::optional<std::uint64_t> seed;
  std::string log;
  unsigned threads = 1;
  bool exit_with_parent = false;
};

// The exit status if the program is to end now (--help: 0, a mistake: 2), having printed why.
std::optional<int> parse_arguments(int argc, char** argv, Arguments& into);

}  // namespace sluice::origin

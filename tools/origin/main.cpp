// sluice-origin: the server as a program.
#include "origin/arguments.hpp"
#include "origin/certificate.hpp"
#include "origin/directory_bucket.hpp"
#include "origin/faults.hpp"
#include "origin/server.hpp"
#include "origin/synthetic_bucket.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>

namespace sluice::origin {
namespace {

// Appends one line a request; NDJSON.
class LogFile {
 public:
  explicit LogFile(const std::string& path)
      : file_(path == "-" ? stdout : std::fopen(path.c_str(), "ae")) {
    if (file_ == nullptr) throw std::system_error(errno, std::generic_category(), path);
  }
  void write(const RequestRecord& record) {
    fmt::print(file_, "{}\n", to_json(record));
    std::fflush(file_);  // readers follow the file while we run
  }

 private:
  std::FILE* file_;  // open until the process ends
};

// Whole under its name at once: a script waits for the file and reads it.
void write_atomically(const std::string& path, const std::string& text) {
  const std::string draft = fmt::format("{}.{}", path, ::getpid());
  {
    std::ofstream file(draft, std::ios::binary | std::ios::trunc);
    file << text;
    if (!file.flush()) throw std::system_error(errno, std::generic_category(), draft);
  }
  std::filesystem::rename(draft, path);
}

std::optional<TlsOptions> tls_options(const Arguments& arguments) {
  if (!arguments.tls_cert.empty()) {
    return load_tls_files(arguments.tls_cert, arguments.tls_key);
  }
  if (arguments.tls_self_signed.empty()) return std::nullopt;
  CertificateOptions options;
  if (arguments.listen_address != "127.0.0.1") {
    options.ip_addresses.push_back(arguments.listen_address);
  }
  const TestCertificate certificate = make_test_certificate(options);
  std::filesystem::create_directories(arguments.tls_self_signed);
  write_atomically(arguments.tls_self_signed + "/ca.pem", certificate.ca_pem);
  return certificate.tls();
}

CredentialServices credential_services(const Arguments& arguments) {
  CredentialServices services;
  for (const std::string& name : arguments.services) {
    if (name == "imds") services.instance = true;
    if (name == "container") services.container = true;
    if (name == "sts") services.sts = true;
    if (name == "sso") services.sso = true;
  }
  if (arguments.instance_version == "1") services.instance_version = InstanceVersion::one;
  services.token = arguments.service_token;
  services.lifetime = std::chrono::seconds(arguments.credential_lifetime_s);
  return services;
}

ServerOptions server_options(const Arguments& arguments) {
  ServerOptions options;
  options.address = arguments.listen_address;
  options.port = arguments.listen_port;
  options.threads = arguments.threads;
  options.tls = tls_options(arguments);
  if (options.tls && !arguments.client_ca.empty()) {
    options.tls->client_ca_pem = read_pem(arguments.client_ca);
  }
  options.allow_anonymous = arguments.anonymous;
  options.region = arguments.region;
  if (arguments.redirect == 301) options.wrong_region = WrongRegion::redirect;
  if (arguments.redirect == 307) options.wrong_region = WrongRegion::temporary;
  options.redirect_to = arguments.redirect_to;
  options.services = credential_services(arguments);
  options.page_size = arguments.page_size;
  if (arguments.lists == "1") options.lists = Lists::version_1;
  if (arguments.lists == "1-ignores") options.lists = Lists::version_1_whatever;
  options.list_delay = std::chrono::milliseconds(arguments.list_delay_ms);
  options.keep_requests = false;
  if (!arguments.access_key.empty()) {
    Credential credential;
    credential.access_key = arguments.access_key;
    credential.secret_key = arguments.secret_key;
    credential.session_token = arguments.session_token;
    options.credentials.push_back(std::move(credential));
  }
  if (!arguments.log.empty()) {
    auto log = std::make_shared<LogFile>(arguments.log);
    options.on_request = [log](const RequestRecord& record) { log->write(record); };
  }
  return options;
}

std::shared_ptr<Bucket> make_bucket(const Arguments& arguments) {
  if (!arguments.dir.empty()) return std::make_shared<DirectoryBucket>(arguments.dir);
  return std::make_shared<SyntheticBucket>(parse_synthetic_spec(arguments.synthetic));
}

// The parent may have died before prctl: then nobody would ever stop us.
void exit_with_parent() {
  const pid_t parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) std::exit(0);
}

// Thousands of clients at once need as many descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Arguments& arguments) {
  if (arguments.exit_with_parent) exit_with_parent();
  raise_descriptor_limit();
  // Blocked before the server's threads start, so that all inherit the mask and only this thread
  // takes the signal.
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  Server server(server_options(arguments));
  server.add_bucket(arguments.bucket, make_bucket(arguments));
  if (!arguments.faults.empty()) {
    FaultScript script = load_fault_script(arguments.faults);
    if (arguments.seed) script.seed = *arguments.seed;
    fmt::print(stderr, "faults: {} rules, seed {}\n", script.rules.size(), script.seed);
    server.set_faults(std::move(script));
  }
  server.start();
  if (!arguments.port_file.empty()) {
    write_atomically(arguments.port_file, fmt::format("{}\n", server.port()));
  }
  fmt::print(stderr, "serving s3://{} at {}\n", arguments.bucket, server.url());
  int signal_number = 0;
  sigwait(&ending, &signal_number);
  const RequestCounts counts = server.counts();
  server.stop();
  fmt::print(stderr, "stopped: {} requests, {} errors, {} refused signatures, {} body bytes\n",
             counts.total, counts.errors, counts.refused_signatures(), counts.body_bytes_sent);
  return 0;
}

}  // namespace
}  // namespace sluice::origin

int main(int argc, char** argv) {
  sluice::origin::Arguments arguments;
  const std::optional<int> early = sluice::origin::parse_arguments(argc, argv, arguments);
  if (early) return *early;
  try {
    return sluice::origin::run(arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sluice-origin: {}\n", error.what());
    return 1;
  }
}

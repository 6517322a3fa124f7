#include "origin/arguments.hpp"

#include "origin/synthetic_bucket.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace sluice::origin {
namespace {

// "ADDRESS:PORT", "[::1]:PORT" or ":PORT".
void parse_listen(const std::string& text, Arguments& into) {
  const std::size_t colon = text.rfind(':');
  const std::string port = colon == std::string::npos ? std::string() : text.substr(colon + 1);
  const bool digits = !port.empty() && port.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || port.size() > 5 || std::stoul(port) > 65535) {
    throw CLI::ValidationError("--listen", "wants ADDRESS:PORT");
  }
  std::string address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  if (!address.empty()) into.listen_address = address;
  into.listen_port = static_cast<std::uint16_t>(std::stoul(port));
}

void add_options(CLI::App& app, Arguments& a, std::string& listen) {
  auto* const dir = app.add_option("--dir", a.dir, "Serve the files under this directory");
  app.add_option("--synthetic", a.synthetic,
                 "Serve made-up objects: KEYS:COUNT[:SIZE[-SIZE][:opaque]],\n"
                 "KEYS = uniform-hex, date-tree, counter or cjk;\n"
                 "for example uniform-hex:1000000:4096 or date-tree:5000:1K-16M")
      ->excludes(dir);
  app.add_option("--bucket", a.bucket, "Name of the bucket")->capture_default_str();
  app.add_option("--listen", listen, "ADDRESS:PORT to listen at; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--port-file", a.port_file, "Write the port here, once listening");

  auto* const cert = app.add_option("--tls-cert", a.tls_cert, "HTTPS with this PEM chain");
  auto* const key = app.add_option("--tls-key", a.tls_key, "Its private key (PEM)");
  cert->needs(key);
  key->needs(cert);
  app.add_option("--tls-self-signed", a.tls_self_signed,
                 "HTTPS with a new certificate; its CA is written to DIR/ca.pem")
      ->excludes(cert);
  app.add_option("--require-client-cert", a.client_ca,
                 "Clients must show a certificate of the CA in this PEM file");

  app.add_option("--access-key", a.access_key, "Access key that clients must sign with")
      ->envname("AWS_ACCESS_KEY_ID");
  app.add_option("--secret-key", a.secret_key, "Its secret; better given by the environment")
      ->envname("AWS_SECRET_ACCESS_KEY");
  app.add_option("--session-token", a.session_token, "The session token that goes with it")
      ->envname("AWS_SESSION_TOKEN");
  app.add_flag("--anonymous", a.anonymous, "Allow requests without a signature");
  app.add_option("--region", a.region, "Refuse requests signed for another region");
  app.add_flag("--redirect{301}", a.redirect, "Answer those with 301, or =307, instead of 400")
      ->check(CLI::IsMember({301, 307}));
  app.add_option("--redirect-to", a.redirect_to, "Location that these answers name");

  app.add_option("--services", a.services,
                 "Play services that hand out credentials, on the same port:\n"
                 "imds, container, sts, sso (a list with commas)")
      ->delimiter(',')
      ->check(CLI::IsMember({"imds", "container", "sts", "sso"}));
  app.add_option("--imds-version", a.instance_version,
                 "Version of the instance metadata: 2, or 1, which knows no tokens")
      ->check(CLI::IsMember({"2", "1"}))
      ->capture_default_str();
  app.add_option("--service-token", a.service_token,
                 "What containers, web identities and single sign-on must show;\n"
                 "anything will do if it is not given")
      ->envname("ORIGIN_SERVICE_TOKEN");
  app.add_option("--credential-lifetime", a.credential_lifetime_s,
                 "Seconds for which their credentials are good, at most")
      ->check(CLI::Range(1, 43200))
      ->capture_default_str();

  app.add_option("--page-size", a.page_size, "Most keys in a page of a listing")
      ->capture_default_str();
  app.add_option("--list-version", a.lists,
                 "Version of ListObjects it knows: 2, 1 (501 for version 2), or\n"
                 "1-ignores (what only version 2 has is ignored)")
      ->check(CLI::IsMember({"2", "1", "1-ignores"}))
      ->capture_default_str();
  app.add_option("--list-delay-ms", a.list_delay_ms, "Wait so long before each listing")
      ->capture_default_str();
  app.add_option("--faults", a.faults, "Script of faults (JSON, see README.md)");
  app.add_option("--seed", a.seed, "Seed of the faults, instead of the script's");
  app.add_option("--log", a.log, "Append a line of JSON for each request; - is stdout");
  app.add_option("--threads", a.threads, "Threads that serve")->capture_default_str();
  app.add_flag("--exit-with-parent", a.exit_with_parent, "Stop when the parent process ends");
}

// What CLI11 cannot say about the options together.
void check(const Arguments& a) {
  if (a.dir.empty() == a.synthetic.empty()) {
    throw CLI::ValidationError("give either --dir or --synthetic");
  }
  if (a.access_key.empty() && !a.anonymous && a.services.empty()) {
    throw CLI::ValidationError(
        "give --access-key and --secret-key (or the AWS_… variables), --services, or --anonymous");
  }
  if (!a.access_key.empty() && a.secret_key.empty()) {
    throw CLI::ValidationError("--access-key needs --secret-key");
  }
  if (!a.client_ca.empty() && a.tls_cert.empty() && a.tls_self_signed.empty()) {
    throw CLI::ValidationError("--require-client-cert needs HTTPS");
  }
  if (a.redirect != 0 && a.region.empty()) {
    throw CLI::ValidationError("--redirect needs --region");
  }
  if (a.redirect == 0 && !a.redirect_to.empty()) {
    throw CLI::ValidationError("--redirect-to needs --redirect");
  }
  if (a.synthetic.empty()) return;
  try {
    parse_synthetic_spec(a.synthetic);
  } catch (const std::invalid_argument& error) {
    throw CLI::ValidationError("--synthetic", error.what());
  }
}

}  // namespace

std::optional<int> parse_arguments(int argc, char** argv, Arguments& into) {
  CLI::App app(
      "A small read-only S3 server for tests and demos.\n"
      "It serves a directory or made-up objects as one bucket, checks signatures byte for byte,\n"
      "and can be told to misbehave.",
      "sluice-origin");
  app.footer(
      "Example:\n"
      "  export AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=secret\n"
      "  sluice-origin --dir photos --bucket photos --listen 127.0.0.1:9000\n"
      "  sluice sync s3://photos mirror --endpoint-url http://127.0.0.1:9000");
  std::string listen = "127.0.0.1:0";
  add_options(app, into, listen);
  try {
    app.parse(argc, argv);
    parse_listen(listen, into);
    check(into);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : 2;
  }
  return std::nullopt;
}

}  // namespace sluice::origin

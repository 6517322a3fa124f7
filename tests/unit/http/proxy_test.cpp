// Which proxy for which endpoint: a pure decision, as a table.

#include "http/proxy.hpp"

#include "http/url.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace sluice::http {
namespace {

using Set = std::map<std::string, std::string, std::less<>>;

ProxyRules rules_of(const Set& variables) {
  return proxy_rules([&variables](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

/// The proxy's authority, "direct", or "error".
std::string chosen(const ProxyRules& rules, const std::string& url) {
  const auto proxy = choose_proxy(rules, parse_url(url).value().endpoint);
  if (!proxy) return "error";
  return *proxy ? authority_of((*proxy)->address) : "direct";
}

struct Row {
  Set variables;
  std::string url;
  std::string proxy;
};

TEST(ProxyChoice, ByTheEnvironmentAsPythonReadsIt) {
  const Row rows[] = {
      {{}, "https://h.test", "direct"},
      {{{"https_proxy", "http://p:1"}}, "https://h.test", "p:1"},
      {{{"HTTPS_PROXY", "http://p:1"}}, "https://h.test", "p:1"},
      {{{"https_proxy", "http://p:1"}}, "http://h.test", "direct"},
      {{{"http_proxy", "http://p:1"}}, "http://h.test", "p:1"},
      {{{"http_proxy", "http://p:1"}}, "https://h.test", "direct"},
      // The lower-case name wins, and switches off where it is empty.
      {{{"https_proxy", "http://p:1"}, {"HTTPS_PROXY", "http://q:2"}}, "https://h.test", "p:1"},
      {{{"https_proxy", ""}, {"HTTPS_PROXY", "http://q:2"}}, "https://h.test", "direct"},
      {{{"no_proxy", ""}, {"NO_PROXY", "*"}, {"https_proxy", "p:1"}}, "https://h.test", "p:1"},
      // CVE-2016-1000110: in a CGI program HTTP_PROXY is a header of the client.
      {{{"HTTP_PROXY", "http://p:1"}}, "http://h.test", "p:1"},
      {{{"HTTP_PROXY", "http://p:1"}, {"REQUEST_METHOD", "GET"}}, "http://h.test", "direct"},
      {{{"http_proxy", "http://p:1"}, {"REQUEST_METHOD", "GET"}}, "http://h.test", "p:1"},
      {{{"HTTPS_PROXY", "http://p:1"}, {"REQUEST_METHOD", "GET"}}, "https://h.test", "p:1"},
      // Neither the SDKs nor the AWS CLI read it.
      {{{"ALL_PROXY", "socks5://p:1"}, {"all_proxy", "http://p:1"}}, "https://h.test", "direct"},
      // One that is not meant may be of any kind.
      {{{"http_proxy", "socks5://p:1"}}, "https://h.test", "direct"},
      {{{"http_proxy", "socks5://p:1"}}, "http://h.test", "error"},
      {{{"http_proxy", "socks5://p:1"}, {"no_proxy", "h.test"}}, "http://h.test", "direct"},
  };
  for (const Row& row : rows) {
    std::string given;
    for (const auto& [name, value] : row.variables)
      given += name + "=" + value + " ";
    EXPECT_EQ(chosen(rules_of(row.variables), row.url), row.proxy) << given << row.url;
  }
}

TEST(ProxyChoice, NoProxyNamesWhatIsReachedDirectly) {
  struct Exempt {
    std::string no_proxy;
    std::string url;
    bool exempt;
  };
  const Exempt rows[] = {
      {"*", "https://h.test", true},
      {"a, *", "https://h.test", true},
      {"h.test", "https://h.test", true},
      {"H.Test", "https://h.test", true},
      {"h.test", "https://bucket.h.test", true},
      {".h.test", "https://bucket.h.test", true},
      {".h.test", "https://h.test", true},
      {"*.h.test", "https://bucket.h.test", true},
      {"h.test.", "https://h.test", true},
      {"h.test", "https://oh.test", false},
      {"h.test", "https://h.test.example", false},
      {"bucket.h.test", "https://h.test", false},
      {"a.test,h.test", "https://h.test", true},
      {" a.test , h.test ", "https://h.test", true},
      {"a.test h.test", "https://h.test", true},
      {"", "https://h.test", false},
      {",, ,", "https://h.test", false},
      {".", "https://h.test", false},
      {"h.test:443", "https://h.test", true},
      {"h.test:9000", "https://h.test:9000", true},
      {"h.test:9000", "https://h.test", false},
      {".h.test:9000", "https://b.h.test:9000", true},
      {"h.test:x", "https://h.test", false},
      {":443", "https://h.test", false},
      {"10.1.2.3", "https://10.1.2.3", true},
      {"10.1.2.3:443", "https://10.1.2.3", true},
      {"10.1.2.3", "https://10.1.2.30", false},
      {"2.3", "https://10.1.2.3", false},
      {"10.0.0.0/8", "https://10.1.2.3", true},
      {"10.0.0.0/8", "https://11.1.2.3", false},
      {"10.1.2.0/23", "https://10.1.3.9", true},
      {"10.1.2.0/23", "https://10.1.4.9", false},
      {"0.0.0.0/0", "https://10.1.2.3", true},
      {"0.0.0.0/0", "https://[2001:db8::1]", false},
      {"10.1.2.3/32", "https://10.1.2.3", true},
      {"10.1.2.3/33", "https://10.1.2.3", false},
      {"10.1.2.3/", "https://10.1.2.3", false},
      {"/8", "https://10.1.2.3", false},
      {"10.0.0.0/8", "https://h.test", false},
      {"2001:db8::1", "https://[2001:db8::1]", true},
      {"[2001:db8::1]", "https://[2001:db8::1]", true},
      {"[2001:db8::1]:443", "https://[2001:db8::1]", true},
      {"[2001:db8::1]:80", "https://[2001:db8::1]", false},
      {"2001:db8::/32", "https://[2001:db8:ff::1]", true},
      {"2001:db8::/129", "https://[2001:db8::1]", false},
      {"]:443", "https://h.test", false},
      {"[", "https://h.test", false},
  };
  for (const Exempt& row : rows) {
    ProxyRules rules;
    rules.https = {"https_proxy", "http://p:1"};
    rules.no_proxy = row.no_proxy;
    EXPECT_EQ(chosen(rules, row.url), row.exempt ? "direct" : "p:1")
        << "no_proxy=" << row.no_proxy << " " << row.url;
    rules.https.url.clear();
    rules.given = {"--proxy", "http://p:1"};
    EXPECT_EQ(chosen(rules, row.url), row.exempt ? "direct" : "p:1") << row.no_proxy;
  }
}

TEST(ProxyChoice, WhatNoProxyReachesIsAskedDirectly) {
  ProxyRules rules;
  rules.http = {"http_proxy", "http://p:1"};
  for (const char* host : {"localhost", "minio.localhost", "127.0.0.1", "127.8.9.1", "[::1]",
                           "[::ffff:127.0.0.1]", "169.254.169.254", "169.254.170.2", "[fe80::1]"})
    EXPECT_EQ(chosen(rules, std::string("http://") + host + ":9000"), "direct") << host;
  for (const char* host : {"localhost.test", "mylocalhost", "128.0.0.1", "169.253.0.1", "[::2]"})
    EXPECT_EQ(chosen(rules, std::string("http://") + host + ":9000"), "p:1") << host;
  // Who names one for this run has one on this machine.
  rules.given = {"--proxy", "http://q:2"};
  EXPECT_EQ(chosen(rules, "http://127.0.0.1:9000"), "q:2");
}

TEST(ProxyChoice, TheFlagGoesBeforeTheEnvironment) {
  ProxyRules rules;
  rules.http = rules.https = {"x", "http://p:1"};
  rules.given = {"--proxy", "http://q:2"};
  EXPECT_EQ(chosen(rules, "https://h.test"), "q:2");
  EXPECT_EQ(chosen(rules, "http://h.test"), "q:2");
  rules.given.url = "none";
  EXPECT_EQ(chosen(rules, "https://h.test"), "direct");
}

TEST(ProxyAddress, IsReadInEveryForm) {
  struct Form {
    std::string url;
    std::string authority;
    std::string authorization;
  };
  const Form forms[] = {
      {"http://p.test:3128", "p.test:3128", ""},
      {"http://p.test:3128/", "p.test:3128", ""},
      {"HTTP://P.test", "p.test:80", ""},
      {"p.test:3128", "p.test:3128", ""},
      {"//p.test:3128", "p.test:3128", ""},
      {"http://[::1]:3128", "[::1]:3128", ""},
      {"http://10.0.0.1:3128", "10.0.0.1:3128", ""},
      // RFC 7617's own example.
      {"http://Aladdin:open%20sesame@p:1", "p:1", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
      {"Aladdin:open%20sesame@p:1", "p:1", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
      {"http://user@p:1", "p:1", "Basic dXNlcjo="},
      {"http://u:a%3Ab%40c%2Fd%25@p:1", "p:1", "Basic dTphOmJAYy9kJQ=="},
      {"http://u:a@b@p:1", "p:1", "Basic dTphQGI="},
      {"http://u:+@p:1", "p:1", "Basic dTor"},
  };
  for (const Form& form : forms) {
    const auto proxy = parse_proxy({"https_proxy", form.url});
    ASSERT_TRUE(proxy) << form.url << ": " << proxy.error().message;
    EXPECT_EQ(authority_of(proxy->address), form.authority) << form.url;
    EXPECT_EQ(proxy->authorization, form.authorization) << form.url;
    EXPECT_EQ(proxy->name(), "the proxy http://" + form.authority);
  }
}

TEST(ProxyAddress, IsRefusedWithoutShowingAPassword) {
  for (const char* url :
       {"https://u:secret@p:1", "socks5://u:secret@p:1", "http://u:secret@", "http://u:secret@p:x",
        "http://u:secret/more@p:1", "http://u:secret%@p:1", "u:secret", "http://u:secret@p:1/path",
        "http://u:secret@p:1?x", "http://u:secret@p q:1", "http://u:secret@p:70000"}) {
    const auto proxy = parse_proxy({"HTTPS_PROXY", url});
    ASSERT_FALSE(proxy) << url;
    EXPECT_EQ(proxy.error().kind, ErrorKind::usage);
    EXPECT_EQ(proxy.error().message.find("HTTPS_PROXY "), 0u) << proxy.error().message;
    EXPECT_EQ(proxy.error().message.find("secret"), std::string::npos) << proxy.error().message;
    EXPECT_NE(proxy.error().message.find("http://host:port"), std::string::npos);
  }
}

}  // namespace
}  // namespace sluice::http

// No secret leaves the program but to the service it is for, and no server can make it take more
// than the limits that ARCHITECTURE.md names.
#include "trust_fixture.hpp"

#include <algorithm>
#include <csignal>
#include <mutex>
#include <set>

namespace sluice::testing {
namespace {

// --- secrets ---

class Secrets : public Trust {
 protected:
  /// Notes the signature of every request, beside whatever else is done to it.
  origin::Rule noting_signatures() {
    origin::Rule out;
    out.actions.push_back(faults::call([this](origin::Exchange& e) {
      const std::string* header = origin::find_header(e.request.headers, "Authorization");
      if (header == nullptr) return;
      const std::size_t at = header->find("Signature=");
      const std::lock_guard lock(mutex_);
      if (at != std::string::npos) signatures_.insert(header->substr(at + 10));
    }));
    return out;
  }

  void expect_no_secret(const std::string& text, const std::string& where) {
    EXPECT_FALSE(has(text, kSecretKey)) << "the secret key is in " << where;
    EXPECT_FALSE(has(text, kSessionToken)) << "the session token is in " << where;
    EXPECT_FALSE(has(text, "AWS4-HMAC-SHA256")) << "an Authorization header is in " << where;
    const std::lock_guard lock(mutex_);
    for (const std::string& signature : signatures_)
      EXPECT_FALSE(has(text, signature)) << "a signature is in " << where;
  }

  std::mutex mutex_;
  std::set<std::string> signatures_;
};

TEST_F(Secrets, AreInNoOutputNoFileAndNoArgument) {
  const origin::Action outcomes[] = {
      faults::chunked(),
      faults::status(403, "SignatureDoesNotMatch"),
      faults::status(403, "InvalidAccessKeyId"),
      faults::status(400, "ExpiredToken"),
      faults::status(403, "RequestTimeTooSkewed"),
      faults::status(500, "InternalError"),
      faults::status(307, "TemporaryRedirect", "", {{"Location", trap_url()}}),
      faults::body("<html/>"),
      faults::reset_before_answer(),
  };
  for (const origin::Action& outcome : outcomes) {
    SCOPED_TRACE(outcome.name);
    for (const Words& level : {Words{"-v", "--log-level", "debug"}, Words{"--json"}, Words{"-q"}}) {
      bucket_->put("dir/k1", "changed", kTime + 1000);
      server_->set_faults(
          {noting_signatures(), rule(Operation::list, outcome), rule(Operation::get, outcome)});
      const std::string log = home_ / "log";
      Words words = sync_words({"--log-file", log});
      words.insert(words.end(), level.begin(), level.end());
      const Ran ran = run(words);
      expect_no_secret(ran.out, "standard output");
      expect_no_secret(ran.err, "standard error");
      expect_no_secret(read_file(log), "the log file");
    }
  }
  EXPECT_FALSE(signatures_.empty());
  for (const auto& entry : fs::recursive_directory_iterator(dir() + "/.sluice"))
    if (entry.is_regular_file()) expect_no_secret(read_file(entry.path()), entry.path());

  server_->set_faults({nth(Operation::list, 1, faults::stall(10))});
  server_->clear_requests();
  Program program(options(sync_words()));
  ASSERT_TRUE(wait_for_requests(Operation::list, 1));
  expect_no_secret(read_file("/proc/" + std::to_string(program.pid()) + "/cmdline"), "arguments");
  program.signal(SIGKILL);
  EXPECT_EQ(program.wait(60s), 128 + SIGKILL);
  expect_recovery();
}

TEST_F(Secrets, AServerThatRepeatsThemIsNotQuoted) {
  // Some services put what they got, or what they expected, into their errors.
  for (const std::string code : {"SignatureDoesNotMatch", "InvalidArgument", "Unheard-of"}) {
    const auto echo = faults::call([code](origin::Exchange& e) {
      std::string echoed = "you sent ";
      for (const char* name : {"Authorization", "x-amz-security-token"})
        if (const std::string* value = origin::find_header(e.request.headers, name))
          echoed += std::string(name) + ": " + *value + " ";
      e.answer.page.reset();
      e.answer.response.status = 400;
      origin::set_body(e.answer.response,
                       "<Error><Code>" + code + "</Code><Message>" + echoed + "</Message></Error>",
                       "application/xml");
    });
    server_->set_faults({noting_signatures(), rule(Operation::list, echo)});
    const Ran ran = sync_deleting({"-v", "--log-level", "debug"});
    EXPECT_NE(ran.status, 0) << ran.err;
    expect_no_secret(ran.err, "standard error after " + code);
  }
  expect_recovery();
}

TEST_F(Secrets, ACredentialsFileThatOthersCanReadIsWarnedAbout) {
  for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
    environment_.erase(name);
  const std::string path = home_ / "credentials";
  environment_["AWS_SHARED_CREDENTIALS_FILE"] = path;
  write_file(path, std::string("[default]\naws_access_key_id = ") + kAccessKey +
                       "\naws_secret_access_key = " + kSecretKey +
                       "\naws_session_token = " + kSessionToken + "\n");
  struct Case {
    unsigned mode;
    bool warns;
  };
  for (const Case& row : {Case{0600, false}, Case{0400, false}, Case{0640, true}, Case{0604, true},
                          Case{0644, true}}) {
    fs::permissions(path, fs::perms(row.mode));
    const Ran ran = sync_deleting();
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(has(ran.err, "warning: ") && has(ran.err, path), row.warns)
        << std::oct << row.mode << ran.err;
    expect_no_secret(ran.err, "standard error");
  }
}

TEST_F(Secrets, AProcessThatDiesLeavesNoImageOfItsMemory) {
  const auto core_of = [this](const std::string& program, const Words& arguments) {
    const std::string folder = home_ / "core";
    fs::create_directory(folder);
    Words words = {"-c", "ulimit -c unlimited; cd \"$0\" && exec \"$@\"", folder, program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    ProgramOptions dying = options(std::move(words));
    dying.path = "/bin/sh";
    Program running(std::move(dying));
    if (program == binary()) {
      EXPECT_TRUE(wait_for_requests(Operation::list, 1)) << running.err();
      running.signal(SIGQUIT);
    }
    EXPECT_EQ(running.wait(60s), 128 + SIGQUIT);
    const bool dumped = running.dumped_core();
    fs::remove_all(folder);
    return dumped;
  };
  if (!core_of("/bin/sh", {"-c", "kill -QUIT $$"})) GTEST_SKIP() << "nothing dumps core here";
  server_->set_faults({rule(Operation::list, faults::stall(10))});
  server_->clear_requests();
  EXPECT_FALSE(core_of(binary(), sync_words()));
  expect_recovery();
}

// --- bounds ---

class Bounds : public Trust {
 protected:
  std::uint64_t bytes_sent() const { return server_->counts().body_bytes_sent; }
};

TEST_F(Bounds, HoldAgainstAHostileServer) {
  constexpr std::size_t kMiB = 1024 * 1024;
  const std::string flood(40 * kMiB, 'x');
  struct Case {
    const char* name;
    origin::Action fault;
    const char* says;
    std::uint64_t most_bytes;  ///< what the server may get rid of, the kernel's buffers included
  };
  const Case cases[] = {
      {"a head of 100 MB", faults::huge_header(100 * kMiB), "head of more than 65536 bytes", kMiB},
      {"two million headers", faults::many_headers(2'000'000), "head of more than 65536 bytes",
       kMiB},
      {"a page of 40 MiB", faults::body(flood), "larger than 16 MiB", 16 * kMiB},
      {"the same in chunks", faults::call([&flood](origin::Exchange& e) {
         e.answer.page.reset();
         origin::set_body(e.answer.response, flood, "application/xml");
         e.delivery.framing = origin::Delivery::Framing::chunked;
       }),
       "larger than 16 MiB", 32 * kMiB},
      {"an error of 40 MiB", faults::body(flood, 500), "", 16 * kMiB},
      {"interim answers", faults::informational(1'000'000), "", kMiB},
      {"one endless line", faults::garbage("HTTP/1.1 200 OK" + flood), "", kMiB},
      {"deep nesting", faults::body([] {
         std::string xml;
         for (int i = 0; i < 1'000'000; ++i)
           xml += "<a>";
         return xml;
       }()),
       "no valid listing", 16 * kMiB},
  };
  for (const Case& row : cases) {
    SCOPED_TRACE(row.name);
    server_->set_faults({rule(Operation::list, row.fault)});
    server_->clear_requests();
    const Ran ran = sync_deleting({"--max-attempts", "1"});
    expect(ran, 5, row.says);
    EXPECT_LT(bytes_sent(), row.most_bytes);
    EXPECT_LT(ran.err.size(), 8192U);
    EXPECT_EQ(local().size(), kAllLeft);
  }
  expect_recovery();
}

TEST_F(Bounds, AnErrorsWordsAreCutAndEscaped) {
  const std::string loud = "\x1b[31mred" + std::string(50'000, 'm');
  server_->set_faults({rule(Operation::list, faults::status(400, "Code\x1b[2J", loud))});
  const Ran ran = sync_deleting();
  EXPECT_EQ(ran.status, 5);
  EXPECT_FALSE(has(ran.err, "\x1b"));
  EXPECT_LT(ran.err.size(), 8192U);
  expect_recovery();
}

}  // namespace
}  // namespace sluice::testing

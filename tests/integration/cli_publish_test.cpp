// --publish-link: readers see whole passes.
#include "cli_fixture.hpp"

#include <csignal>
#include <filesystem>
#include <map>

namespace sluice::testing {
namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;

class CliPublish : public Cli {
 protected:
  std::string link() const { return work_ / "live"; }
  Ran publish(Words more = {}) {
    more.insert(more.begin(), {"--delete", "--publish-link", link()});
    return sync(std::move(more));
  }
  Files shown() const { return tree_of(link() + "/"); }
};

TEST_F(CliPublish, TheLinkFollowsTheMirror) {
  bucket_->put("a", "one");
  bucket_->put("d/b", "one");
  expect(publish({"-v"}), 0, "leads to generation 1: 2 files linked, 0 removed");
  EXPECT_EQ(shown(), (Files{{"a", "one"}, {"d/b", "one"}}));
  bucket_->put("a", "two");
  bucket_->remove("d/b");
  EXPECT_EQ(publish().status, 0);
  EXPECT_EQ(shown(), (Files{{"a", "two"}}));
  bucket_->put("a", "three");
  expect(publish({"-v"}), 0, "leads to generation 3: 1 file linked, 1 removed");
  const fs::path target = fs::read_symlink(link());
  const Ran idle = publish({"-v"});
  expect(idle, 0, "");
  EXPECT_FALSE(has(idle.err, "generation")) << idle.err;
  EXPECT_EQ(fs::read_symlink(link()), target);
  // What others may read of the mirror they may read there, but nothing of ours.
  EXPECT_EQ(fs::status(link()).permissions(), fs::status(dir()).permissions());
  EXPECT_FALSE(fs::exists(link() + "/.sluice"));
}

TEST_F(CliPublish, APassThatLeftSomethingOutIsNotShown) {
  bucket_->put("a", "one");
  EXPECT_EQ(publish().status, 0);
  bucket_->put("a", "two");
  bucket_->put("x//y", "has no safe path");
  expect(publish(), 1, "live stays at the last whole pass");
  EXPECT_EQ(shown(), (Files{{"a", "one"}}));
  EXPECT_EQ(publish({"--exclude", "x//*"}).status, 0);
  EXPECT_EQ(shown(), (Files{{"a", "two"}}));
}

TEST_F(CliPublish, WhatCannotBeIsSaidBeforeAnythingIsDone) {
  bucket_->put("a", "one");
  write_file(link(), "somebody's");
  for (const Words& dry : {Words{"--dry-run"}, Words{}}) {
    expect(publish(dry), 2, "is no symbolic link");
    EXPECT_FALSE(fs::exists(dir() + "/a"));
  }
  EXPECT_EQ(read_file(link()), "somebody's");
  fs::remove(link());
  expect(publish({"--journal", "0"}), 2, "leave out --journal 0");
  expect(publish({"--local-changes", "keep"}), 2, "leave out --local-changes keep");
  expect(publish({"--size-only"}), 2, "leave out --size-only");
  expect(publish({"--keep-generations", "1"}), 2, "2 to 100");
  expect(sync({"--publish-link", dir() + "/live"}), 2, "lies in the mirror");
  expect(sync({"--publish-link", work_ / "absent/live"}), 6, "No such file or directory");
  EXPECT_EQ(publish({"--dry-run"}).status, 0);
  EXPECT_FALSE(fs::exists(work_ / ".live.generations"));
  EXPECT_EQ(publish().status, 0);
  expect(run({"sync", "s3://photos", work_ / "second", "--publish-link", link()}), 2,
         "is published by another mirror");
}

TEST_F(CliPublish, AWatchShowsEachPass) {
  bucket_->put("a", "0");
  Program program(options({"watch", "s3://photos", dir(), "--interval", "20ms", "--publish-link",
                           link(), "--keep-generations", "3"}));
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(program.wait_for("generation " + std::to_string(i) + ":")) << program.err();
    EXPECT_EQ(shown(), (Files{{"a", std::to_string(i - 1)}}));
    bucket_->put("a", std::to_string(i));
  }
  ASSERT_TRUE(program.wait_for("generation 6:")) << program.err();
  program.signal(SIGTERM);
  EXPECT_EQ(program.wait(10s), 143) << program.err();
  EXPECT_EQ(shown(), (Files{{"a", "5"}}));
}

}  // namespace
}  // namespace sluice::testing

// The trees of --publish-link and the link to them, without an engine.
#include "local/generations.hpp"

#include "destination_fixture.hpp"

#include <sys/file.h>

namespace sluice::local {
namespace {

using Linked = GenerationTree::Linked;

class GenerationsTest : public testing::Test {
 protected:
  GenerationsTest() { destination_ = Destination::open(mirror().string()).value(); }

  fs::path mirror() const { return temporary_.path() / "mirror"; }
  fs::path link() const { return temporary_.path() / "live"; }
  fs::path folder() const { return temporary_.path() / ".live.generations"; }

  Result<std::unique_ptr<Generations>> try_open(const fs::path& link) const {
    return Generations::open(GenerationsOptions{link.string()}, *destination_);
  }
  std::unique_ptr<Generations> open() const { return try_open(link()).value(); }
  std::string complaint(const fs::path& link) const {
    const auto opened = try_open(link);
    if (opened) return "no error";
    EXPECT_EQ(opened.error().kind, ErrorKind::usage) << opened.error().message;
    const auto checked = Generations::check(link.string(), *destination_);
    EXPECT_FALSE(checked);
    return opened.error().message;
  }

  /// A file of the mirror, as the record would have it.
  LocalFile put(std::string_view name, std::string_view content) {
    StagedFile staged = destination_->create_staged(0, content.size()).value();
    EXPECT_TRUE(staged.write_at(0, bytes_of(content)));
    const LocalFile file = staged.finish(1'700'000'000'123).value();
    EXPECT_TRUE(destination_->publish(staged, key(name)));
    return file;
  }

  static Generation generation(std::uint64_t number) {
    return Generation{number, static_cast<std::int64_t>(number) * 10, "0a1b2c3d"};
  }
  /// A tree with one file that holds its number.
  void show(Generations& generations, std::uint64_t number) {
    const LocalFile file = put("number", std::to_string(number));
    GenerationTree tree = generations.make().value();
    EXPECT_EQ(tree.link(key("number"), file).value(), Linked::made);
    EXPECT_TRUE(generations.finish(tree, generation(number)));
    EXPECT_TRUE(generations.flip(generation(number)));
  }
  std::string shown() const { return slurp(link() / "number"); }
  fs::path tree_path(std::uint64_t number) const { return folder() / generation(number).name(); }

  static bool never() { return false; }

  TemporaryDirectory temporary_;
  std::unique_ptr<Destination> destination_;
};

TEST_F(GenerationsTest, TheLinkLeadsToTheTreeThatWasShownLast) {
  const auto generations = open();
  show(*generations, 1);
  EXPECT_EQ(shown(), "1");
  show(*generations, 2);
  EXPECT_EQ(shown(), "2");
  EXPECT_TRUE(fs::is_symlink(link()));
  // Relative, so that both can be mounted elsewhere together.
  EXPECT_EQ(fs::read_symlink(link()), ".live.generations/2-20-0a1b2c3d");
  const auto found = generations->tidy(never).value();
  EXPECT_EQ(found.trees, (std::vector{generation(1), generation(2)}));
  EXPECT_EQ(found.current, generation(2));
  EXPECT_EQ(slurp(tree_path(1) / "number"), "1");
  EXPECT_TRUE(generations->distrust(generation(1)));
  EXPECT_EQ(generations->look().value().trees.front().seq, 0);
}

TEST_F(GenerationsTest, WhatElseIsAtThePathIsLeftAlone) {
  spill(temporary_.path() / "file", "mine");
  fs::create_directory(temporary_.path() / "directory");
  fs::create_directory_symlink("directory", temporary_.path() / "symlink");
  EXPECT_NE(complaint(temporary_.path() / "file").find("is no symbolic link"), std::string::npos);
  EXPECT_NE(complaint(temporary_.path() / "directory").find("no symbolic link"), std::string::npos);
  EXPECT_NE(complaint(temporary_.path() / "symlink").find("a symbolic link to \"directory\""),
            std::string::npos);
  EXPECT_NE(complaint(mirror() / "live").find("lies in the mirror"), std::string::npos);
  fs::create_directory(mirror() / "below");
  EXPECT_NE(complaint(mirror() / "below/live").find("lies in the mirror"), std::string::npos);
  for (const char* name : {"/", "live/", ".", "x/.."})
    EXPECT_NE(complaint(name).find("cannot be a link"), std::string::npos) << name;
  EXPECT_EQ(try_open(temporary_.path() / "absent/live").error().kind, ErrorKind::local);
  EXPECT_EQ(slurp(temporary_.path() / "file"), "mine");
  EXPECT_FALSE(fs::exists(temporary_.path() / ".file.generations"));

  // Also if it comes later.
  const auto generations = open();
  show(*generations, 1);
  fs::remove(link());
  fs::create_directory(link());
  const auto flipped = generations->flip(generation(1));
  ASSERT_FALSE(flipped);
  EXPECT_EQ(flipped.error().kind, ErrorKind::local);
  EXPECT_TRUE(fs::is_directory(fs::symlink_status(link())));
}

TEST_F(GenerationsTest, AnotherFileSystemIsRefused) {
  struct stat here {
  }, there{};
  char other[] = "/dev/shm/sluice-generations-XXXXXX";
  if (mkdtemp(other) == nullptr) GTEST_SKIP() << "no /dev/shm";
  ASSERT_EQ(::stat(other, &there), 0);
  ASSERT_EQ(::stat(mirror().c_str(), &here), 0);
  if (here.st_dev != there.st_dev) {
    const auto opened = try_open(fs::path(other) / "live");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::usage);
    EXPECT_NE(opened.error().message.find("same file system"), std::string::npos);
  }
  fs::remove_all(other);
  if (here.st_dev == there.st_dev) GTEST_SKIP() << "both are one file system";
}

TEST_F(GenerationsTest, ALinkBelongsToOneMirror) {
  show(*open(), 1);
  destination_ = Destination::open((temporary_.path() / "other").string()).value();
  const auto opened = try_open(link());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::usage);
  EXPECT_NE(opened.error().message.find("by another mirror"), std::string::npos);
  // The mirror has gone: nobody else can go on with its trees.
  fs::remove_all(mirror());
  EXPECT_TRUE(try_open(link()));
  EXPECT_TRUE(try_open(link()));
}

TEST_F(GenerationsTest, WhatAReaderHoldsIsLeftAlone) {
  const auto generations = open();
  show(*generations, 1);
  {
    const FileDescriptor reader(::open(link().c_str(), O_RDONLY | O_DIRECTORY));
    ASSERT_EQ(flock(reader.get(), LOCK_SH), 0);
    show(*generations, 2);
    EXPECT_FALSE(generations->take(generation(1)).value());
    EXPECT_FALSE(generations->remove(generation(1), never).value());
    EXPECT_EQ(slurp(tree_path(1) / "number"), "1");
  }
  EXPECT_TRUE(generations->take(generation(1)).value());
  EXPECT_FALSE(fs::exists(tree_path(1)));
  const auto trees = generations->tidy(never).value().trees;
  ASSERT_EQ(trees.size(), 2U);
  EXPECT_TRUE(trees.front().is_partial);
  EXPECT_TRUE(generations->remove(trees.front(), never).value());
  EXPECT_EQ(generations->tidy(never).value().trees, std::vector{generation(2)});
}

TEST_F(GenerationsTest, WhatWasLeftBehindGoesAndWhatIsNotOursStays) {
  const auto generations = open();
  show(*generations, 3);
  for (const char* name : {"new/a/b", "2-20-0a1b2c3d.gone/a", "1-10-0a1b2c3d.partial.gone/a"}) {
    fs::create_directories((folder() / name).parent_path());
    spill(folder() / name, "x");
  }
  fs::create_symlink("anywhere", folder() / "link");
  for (const char* name : {"notes", "4-40", "4-40-0a1b2c3d-5", "x-40-0a1b2c3d"})
    fs::create_directory(folder() / name);
  const auto stopped = generations->tidy([] { return true; });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::cancelled);
  EXPECT_EQ(generations->tidy(never).value().trees, std::vector{generation(3)});
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder()))
    ++entries;
  EXPECT_EQ(entries, 6U);  // four that are not ours, the tree, `mirror`
}

TEST_F(GenerationsTest, ALinkIsMadeToTheRecordedFileOnly) {
  const auto generations = open();
  GenerationTree tree = generations->make().value();
  const LocalFile file = put("a/b", "one");
  EXPECT_EQ(tree.link(key("a/b"), file).value(), Linked::made);
  EXPECT_EQ(tree.link(key("a/b"), file).value(), Linked::was_there);
  EXPECT_EQ(fs::hard_link_count(mirror() / "a/b"), 2U);
  const LocalFile second = put("a/b", "two");
  EXPECT_EQ(tree.link(key("a/b"), file).value(), Linked::not_so);
  EXPECT_EQ(slurp(folder() / "new/a/b"), "one");
  EXPECT_EQ(tree.link(key("a/b"), second).value(), Linked::made);
  EXPECT_EQ(slurp(folder() / "new/a/b"), "two");

  EXPECT_EQ(tree.link(key("a/absent"), file).value(), Linked::not_so);
  EXPECT_EQ(tree.link(key("no/such"), file).value(), Linked::not_so);
  EXPECT_EQ(tree.link(key("a/b/c"), file).value(), Linked::not_so);
  fs::create_symlink("b", mirror() / "a/symlink");
  EXPECT_EQ(tree.link(key("a/symlink"), file).value(), Linked::not_so);
  spill(temporary_.path() / "secret", "one");
  fs::create_directory_symlink(temporary_.path(), mirror() / "out");
  EXPECT_EQ(tree.link(key("out/secret"), file).value(), Linked::not_so);
  EXPECT_FALSE(fs::exists(folder() / "new/out"));
}

TEST_F(GenerationsTest, FilesAndFoldersTakeEachOthersPlace) {
  const auto generations = open();
  GenerationTree tree = generations->make().value();
  ASSERT_TRUE(tree.link(key("a/b/c"), put("a/b/c", "x")));
  ASSERT_TRUE(tree.link(key("a/d"), put("a/d", "x")));
  EXPECT_TRUE(tree.unlink(key("a/b/c"), {}).value());
  EXPECT_FALSE(fs::exists(folder() / "new/a/b"));
  EXPECT_TRUE(fs::exists(folder() / "new/a/d"));
  EXPECT_FALSE(tree.unlink(key("a/b/c"), {}).value());
  EXPECT_TRUE(
      tree.unlink(key("a/d"), [](const std::string& folder) { return folder != "a"; }).value());
  EXPECT_TRUE(fs::is_directory(folder() / "new/a"));
  tree.forget_parents();

  // Folders that hold nothing give way to a file; any other is somebody's.
  ASSERT_TRUE(tree.make_folder("a/empty"));
  fs::remove_all(mirror() / "a");
  const LocalFile file = put("a", "file");
  EXPECT_EQ(tree.link(key("a"), file).value(), Linked::made);
  EXPECT_EQ(tree.make_folder("a/b").error().code, kNotAsLeft);
  ASSERT_TRUE(tree.unlink(key("a"), {}));
  fs::create_directory(folder() / "new/a");
  spill(folder() / "new/a/foreign", "x");
  EXPECT_EQ(tree.link(key("a"), file).error().code, kNotAsLeft);
}

}  // namespace
}  // namespace sluice::local

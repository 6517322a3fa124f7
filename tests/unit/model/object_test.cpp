#include "model/object.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(SameContent, WithAnETagTimeDoesNotCount) {
  const Version stored{"abc", 10, 1000};
  EXPECT_TRUE(stored.same_content(Version{"abc", 10, 1000}));
  EXPECT_TRUE(stored.same_content(Version{"abc", 10, 2000}));
  EXPECT_FALSE(stored.same_content(Version{"abd", 10, 1000}));
  EXPECT_FALSE(stored.same_content(Version{"abc", 11, 1000}));
  EXPECT_FALSE(stored.same_content(Version{"ABC", 10, 1000})) << "opaque bytes";
}

TEST(SameContent, WithoutAnETagSizeAndTimeDecide) {
  const Version stored{"", 10, 1000};
  EXPECT_TRUE(stored.same_content(Version{"", 10, 1000}));
  EXPECT_FALSE(stored.same_content(Version{"", 10, 1001}));
  EXPECT_FALSE(stored.same_content(Version{"", 11, 1000}));
}

TEST(SameContent, AnETagThatComesOrGoesIsAnotherVersion) {
  EXPECT_FALSE((Version{"", 10, 1000}.same_content(Version{"abc", 10, 1000})));
  EXPECT_FALSE((Version{"abc", 10, 1000}.same_content(Version{"", 10, 1000})));
}

TEST(ListedObject, VersionCopiesWhatIdentifiesIt) {
  ListedObject object;
  object.key = "k";
  object.etag = "e";
  object.size = 3;
  object.modified_ms = 4;
  EXPECT_EQ(object.version(), (Version{"e", 3, 4}));
}

TEST(ListPage, ViewsSurviveAMove) {
  ListPage page;
  page.buffer.assign({'k', 'e', 'y'});
  ListedObject object;
  object.key = std::string_view(page.buffer.data(), 3);
  page.objects.push_back(object);
  const ListPage moved = std::move(page);
  EXPECT_EQ(moved.objects[0].key, "key");
  EXPECT_EQ(moved.objects[0].key.data(), moved.buffer.data());
}

}  // namespace
}  // namespace sluice

#include "model/proof.hpp"

#include "model/row.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice {
namespace {

TEST(Proof, StoredValuesNeverChange) {
  EXPECT_EQ(static_cast<int>(Proof::none), 0);
  EXPECT_EQ(static_cast<int>(Proof::length), 1);
  EXPECT_EQ(static_cast<int>(Proof::md5), 2);
  EXPECT_EQ(static_cast<int>(Proof::checksum), 3);
  EXPECT_EQ(static_cast<int>(Proof::composite), 4);
  EXPECT_EQ(static_cast<int>(DigestKind::none), 0);
  EXPECT_EQ(static_cast<int>(DigestKind::md5), 1);
  EXPECT_EQ(static_cast<int>(DigestKind::crc32), 2);
  EXPECT_EQ(static_cast<int>(DigestKind::crc32c), 3);
  EXPECT_EQ(static_cast<int>(DigestKind::crc64nvme), 4);
  EXPECT_EQ(static_cast<int>(DigestKind::sha1), 5);
  EXPECT_EQ(static_cast<int>(DigestKind::sha256), 6);
  EXPECT_EQ(static_cast<int>(RowState::stored), 1);
  EXPECT_EQ(static_cast<int>(RowState::refused), 2);
}

TEST(Proof, NamesAreDistinct) {
  std::set<std::string_view> names;
  for (int value = 0; value <= 4; ++value)
    names.insert(to_string(static_cast<Proof>(value)));
  EXPECT_EQ(names.size(), 5U);
  names.clear();
  for (int value = 0; value <= 6; ++value)
    names.insert(to_string(static_cast<DigestKind>(value)));
  EXPECT_EQ(names.size(), 7U);
  EXPECT_FALSE(names.contains("unknown"));
}

}  // namespace
}  // namespace sluice

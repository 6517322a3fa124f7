// This program is linked with the heap of `sluice` (tools/sluice/heap.cpp).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <malloc.h>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kSlack = 1 << 20;

struct Block {
  unsigned char* bytes = nullptr;
  std::size_t size = 0;
  unsigned char mark = 0;
};

Block taken(std::size_t size, unsigned char mark) {
  Block block{static_cast<unsigned char*>(::operator new(size)), size, mark};
  std::memset(block.bytes, mark, size);
  return block;
}

bool is_intact(const Block& block) {
  return std::all_of(block.bytes, block.bytes + block.size,
                     [&](unsigned char byte) { return byte == block.mark; });
}

/// Bytes that malloc has handed out, to anybody.
std::size_t in_use() {
  return mallinfo2().uordblks + mallinfo2().hblkhd;
}

TEST(Heap, WhatWasGivenBackComesNext) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{700}, std::size_t{1033}, std::size_t{8192}}) {
    void* const first = ::operator new(size);
    ::operator delete(first, size);
    void* const second = ::operator new(size);
    EXPECT_EQ(first, second) << size;
    ::operator delete(second);  // without its size
    void* const third = ::operator new(size);
    EXPECT_EQ(first, third) << size;
    ::operator delete(third, size);
  }
}

TEST(Heap, BlocksInUseAreNobodyElses) {
  const std::random_device::result_type seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<Block> live;
  for (int step = 0; step < 100'000; ++step) {
    if (live.size() < 200 && random() % 2 == 0) {
      const std::size_t most = random() % 4 == 0 ? 10'000 : 300;
      live.push_back(taken(random() % most, static_cast<unsigned char>(random())));
    } else if (!live.empty()) {
      std::swap(live[random() % live.size()], live.back());
      ASSERT_TRUE(is_intact(live.back()));
      if (random() % 2 == 0)
        ::operator delete(live.back().bytes, live.back().size);
      else
        ::operator delete(live.back().bytes);
      live.pop_back();
    }
  }
  for (const Block& block : live) {
    EXPECT_TRUE(is_intact(block));
    ::operator delete(block.bytes, block.size);
  }
}

TEST(Heap, WhatOneThreadTakesAndAnotherGivesBackDoesNotPileUp) {
  const std::size_t before = in_use();
  std::vector<void*> blocks(20'000);
  for (void*& block : blocks)
    block = ::operator new(1000);
  bool grew = false;
  std::size_t after = 0;
  std::thread other([&] {
    grew = in_use() > before + 10 * kSlack;
    for (void* block : blocks)
      ::operator delete (block, std::size_t{1000});
    after = in_use();
  });
  other.join();
  EXPECT_TRUE(grew);
  EXPECT_LT(after, before + kSlack);
}

TEST(Heap, ManySizesDoNotPileUpEither) {
  const std::size_t before = in_use();
  std::size_t after = 0;
  std::thread([&] {
    for (std::size_t size = 32; size <= 8192; size += 32) {
      std::vector<void*> blocks(1 + 32 * 1024 / size);
      for (void*& block : blocks)
        block = ::operator new(size);
      for (void* block : blocks)
        ::operator delete(block, size);
    }
    after = in_use();
  }).join();
  EXPECT_LT(after, before + kSlack);
}

TEST(Heap, AThreadThatEndsLeavesNothing) {
  const std::size_t before = in_use();
  for (int i = 0; i < 100; ++i) {
    std::thread([] {
      std::vector<std::unique_ptr<char[]>> blocks;
      for (int n = 0; n < 200; ++n)
        blocks.emplace_back(new char[4096]);
    }).join();
  }
  EXPECT_LT(in_use(), before + kSlack);
}

TEST(Heap, WhatCannotBeIsBadAlloc) {
  const volatile std::size_t too_much = std::size_t{1} << 62;  // no compiler shall know
  EXPECT_THROW(::operator delete(::operator new(too_much)), std::bad_alloc);
}

}  // namespace

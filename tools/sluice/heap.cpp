// The C++ heap of this program: what a thread gave back is kept for its next request of that size.
//
// Each object that is fetched takes some 30 coroutine frames and 60 strings, and gives them back in
// another order than they were taken. That is what glibc's own caches are too small for (7 blocks a
// size, none over 1 KiB): a tenth of the CPU time of small objects went into them (ADR 11).
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {

constexpr std::size_t kStep = 32;
constexpr std::size_t kLargest = 8192;
/// A thread keeps so much of each size at most: memory that one thread takes and another gives back
/// must not pile up there.
constexpr std::size_t kMostKept = 32 * 1024;
/// And so much in all. Beyond that all of it goes: what is in use comes back at once, sizes that
/// are hardly ever asked for do not fill up over weeks.
constexpr std::size_t kMostKeptInAll = 512 * 1024;

struct FreeBlock {
  FreeBlock* next;
};

struct Size {
  FreeBlock* first;
  std::size_t kept;  ///< bytes
};

/// Its own type, without a destructor: it is in use until the very end of its thread.
struct Kept {
  std::array<Size, kLargest / kStep + 1> sizes;
  std::size_t bytes;
  bool is_released;
};

constinit thread_local Kept kept{};

void free_all() noexcept {
  for (Size& size : kept.sizes) {
    while (size.first != nullptr) {
      FreeBlock* const block = size.first;
      size.first = block->next;
      std::free(block);
    }
    size.kept = 0;
  }
  kept.bytes = 0;
}

/// Gives back what an ending thread has kept.
struct Release {
  ~Release() {
    kept.is_released = true;
    free_all();
  }
  void arm() noexcept {}
};
thread_local Release release;

/// Sizes are multiples of kStep; the same for every size that a block can be asked by.
constexpr std::size_t index_of(std::size_t bytes) noexcept {
  return bytes == 0 ? 1 : (bytes + kStep - 1) / kStep;
}

void* take_new(std::size_t bytes) {
  for (;;) {
    if (void* const block = std::malloc(bytes)) return block;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void give_back(void* pointer, std::size_t index) noexcept {
  if (index >= kept.sizes.size() || kept.is_released) return std::free(pointer);
  Size& size = kept.sizes[index];
  if (size.first == nullptr) release.arm();
  if (size.kept + index * kStep > kMostKept) return std::free(pointer);
  auto* const block = static_cast<FreeBlock*>(pointer);
  block->next = size.first;
  size.first = block;
  size.kept += index * kStep;
  kept.bytes += index * kStep;
  if (kept.bytes > kMostKeptInAll) free_all();
}

}  // namespace

void* operator new(std::size_t bytes) {
  const std::size_t index = index_of(bytes);
  if (index >= kept.sizes.size()) return take_new(bytes);
  Size& size = kept.sizes[index];
  FreeBlock* const block = size.first;
  if (block == nullptr) return take_new(index * kStep);
  size.first = block->next;
  size.kept -= index * kStep;
  kept.bytes -= index * kStep;
  return block;
}

void operator delete(void* pointer, std::size_t bytes) noexcept {
  if (pointer != nullptr) give_back(pointer, index_of(bytes));
}

void operator delete(void* pointer) noexcept {
  // What malloc gave for a multiple of kStep is less than the next one.
  if (pointer != nullptr) give_back(pointer, malloc_usable_size(pointer) / kStep);
}

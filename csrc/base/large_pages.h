// Memory straight from the system, in large pages where it has them: long streams through it miss the TLB less.
#pragma once

#include "base/memory.h"

namespace engine {

inline constexpr int64_t kLargePage = int64_t(2) << 20;

// `bytes` of zeroed memory aligned to kLargePage; null when the system refuses or has no such pages. It becomes resident as it
// is touched, in large pages as far as whole ones lie within it.
void* map_large_pages(int64_t bytes);
void unmap_large_pages(void* memory, int64_t bytes);
// Gives whole pages (of the smallest kind) within a part of such memory back to the system. They are zero when touched again.
void drop_large_pages(void* memory, int64_t bytes);

// Places for buffers that live about equally long, side by side in large pages. Not thread-safe.
class LargePageArena {
 public:
  LargePageArena();
  ~LargePageArena();
  // As Buffer::allocate. Small buffers, and all where large pages are not to be had, are allocated each on its own. What a buffer
  // had goes back to the system with it.
  Result<RefPtr<Buffer>> allocate(int64_t bytes, MemoryAccount* account, const char* what);

 private:
  class Mapping;
  class Piece;
  bool grow(int64_t bytes);

  RefPtr<Mapping> mapping_;
  char* free_ = nullptr;
  int64_t left_ = 0, next_mapping_ = 4 * kLargePage;
};

}  // namespace engine

#include "base/large_pages.h"

#include <algorithm>

#include "base/checked.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace engine {
namespace {

constexpr int64_t kSmallest = int64_t(1) << 20;        // of a buffer that shares pages
constexpr int64_t kLargestMapping = int64_t(256) << 20;

}  // namespace

#if defined(__linux__) && defined(MADV_HUGEPAGE)

void* map_large_pages(int64_t bytes) {
  const size_t size = size_t(bytes), around = size + size_t(kLargePage);
  void* mapped = mmap(nullptr, around, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* begin = static_cast<char*>(mapped);
  const size_t page = 4096, before = size_t(-reinterpret_cast<intptr_t>(begin)) & size_t(kLargePage - 1);
  char* memory = begin + before;
  char* end = memory + (size + page - 1) / page * page;
  if (before > 0) munmap(begin, before);
  if (end < begin + around) munmap(end, size_t(begin + around - end));
  madvise(memory, size_t(end - memory), MADV_HUGEPAGE);
  return memory;
}

void unmap_large_pages(void* memory, int64_t bytes) { munmap(memory, size_t(bytes)); }

void drop_large_pages(void* memory, int64_t bytes) {
  const uintptr_t page = 4096, from = reinterpret_cast<uintptr_t>(memory), until = from + uintptr_t(bytes);
  const uintptr_t first = (from + page - 1) / page * page, last = until / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

#else

void* map_large_pages(int64_t) { return nullptr; }
void unmap_large_pages(void*, int64_t) {}
void drop_large_pages(void*, int64_t) {}

#endif

class LargePageArena::Mapping final : public RefCounted {
 public:
  explicit Mapping(int64_t bytes) : memory_(map_large_pages(bytes)), bytes_(bytes) {}
  void* memory() const { return memory_; }

 private:
  ~Mapping() override {
    if (memory_) unmap_large_pages(memory_, bytes_);
  }
  void* const memory_;
  const int64_t bytes_;
};

// The place of a buffer. The mapping goes as one when it is the last that is left.
class LargePageArena::Piece final : public RefCounted {
 public:
  Piece(RefPtr<Mapping> mapping, char* memory, int64_t bytes) : mapping_(std::move(mapping)), memory_(memory), bytes_(bytes) {}

 private:
  ~Piece() override {
    if (!mapping_->unique()) drop_large_pages(memory_, bytes_);
  }
  const RefPtr<Mapping> mapping_;
  char* const memory_;
  const int64_t bytes_;
};

LargePageArena::LargePageArena() = default;
LargePageArena::~LargePageArena() = default;

bool LargePageArena::grow(int64_t bytes) {
  const int64_t size = std::max(next_mapping_, round_up(bytes, kLargePage));
  RefPtr<Mapping> mapping = make_ref<Mapping>(size);
  if (!mapping->memory()) return false;
  free_ = static_cast<char*>(mapping->memory());
  mapping_ = std::move(mapping);
  left_ = size;
  next_mapping_ = std::min(2 * next_mapping_, kLargestMapping);
  return true;
}

Result<RefPtr<Buffer>> LargePageArena::allocate(int64_t bytes, MemoryAccount* account, const char* what) {
  if (bytes < kSmallest || bytes > (int64_t(1) << 46)) return Buffer::allocate_lasting(bytes, account, what);
  const int64_t rounded = round_up(bytes, int64_t(kAlignment));
  if (rounded > left_ && !grow(rounded)) return Buffer::allocate_lasting(bytes, account, what);
  RefPtr<RefCounted> piece(new Piece(mapping_, free_, rounded));
  ENGINE_ASSIGN(RefPtr<Buffer> buffer, Buffer::charged_view(free_, bytes, std::move(piece), account, what));
  free_ += rounded;
  left_ -= rounded;
  return buffer;
}

}  // namespace engine

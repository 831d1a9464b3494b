// Counted, bounded, aligned memory.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/ref_ptr.h"
#include "base/status.h"

namespace engine {

inline constexpr size_t kAlignment = 64;
inline constexpr int64_t kPagesFrom = int64_t(4) << 20;

// Bytes charged against a limit. Thread-safe. A model's weights, arenas and run-time buffers share one.
class MemoryAccount : public RefCounted {
 public:
  // limit 0: none.
  explicit MemoryAccount(int64_t limit = 0) : limit_(limit) {}
  // Charges `bytes`, or fails with MemoryLimitExceeded that names `what`, the bytes asked, used and allowed.
  Status charge(int64_t bytes, const char* what);
  void release(int64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }
  int64_t used() const { return used_.load(std::memory_order_relaxed); }
  int64_t peak() const { return peak_.load(std::memory_order_relaxed); }
  int64_t limit() const { return limit_; }

 private:
  int64_t limit_;
  std::atomic<int64_t> used_{0}, peak_{0};
};

// A block of memory: owned (aligned to kAlignment, charged to an account) or a view that keeps its owner alive.
class Buffer : public RefCounted {
 public:
  // Uninitialised memory; bytes may be 0. MemoryLimitExceeded when the account or the system refuses. `account` may be null.
  static Result<RefPtr<Buffer>> allocate(int64_t bytes, MemoryAccount* account, const char* what) {
    return allocate_for(false, bytes, account, what);
  }
  // The same for memory that lasts: blocks of kPagesFrom bytes or more lie in large pages of their own, which take longer to get.
  static Result<RefPtr<Buffer>> allocate_lasting(int64_t bytes, MemoryAccount* account, const char* what) {
    return allocate_for(true, bytes, account, what);
  }
  // A view of memory that `owner` (may be null: the memory outlives every use) keeps alive.
  static RefPtr<Buffer> view(void* data, int64_t bytes, RefPtr<RefCounted> owner);
  // The same with the bytes charged to `account` (may be null) until the buffer goes.
  static Result<RefPtr<Buffer>> charged_view(void* data, int64_t bytes, RefPtr<RefCounted> owner, MemoryAccount* account, const char* what);
  // The same for bytes that were charged already. When this throws they are the caller's to release.
  static RefPtr<Buffer> view_of_charged(void* data, int64_t bytes, RefPtr<RefCounted> owner, MemoryAccount* account);

  char* data() const { return data_; }
  int64_t size() const { return size_; }

 protected:
  Buffer() = default;
  ~Buffer() override;
  char* data_ = nullptr;
  int64_t size_ = 0;

 private:
  static Result<RefPtr<Buffer>> allocate_for(bool lasting, int64_t bytes, MemoryAccount* account, const char* what);
  bool take_memory(bool lasting, int64_t bytes);

  RefPtr<MemoryAccount> account_;
  RefPtr<RefCounted> owner_;
  enum class Memory : uint8_t { View, Heap, Pages } memory_ = Memory::View;
};

// For tests: the n-th allocation from now on fails (0: none fails). Process-wide.
void fail_allocation_after(int64_t n);

}  // namespace engine

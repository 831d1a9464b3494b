#include "base/memory.h"

#include <cstdlib>
#include <new>

#include "base/checked.h"
#include "base/large_pages.h"

namespace engine {
namespace {

std::atomic<int64_t> g_fail_countdown{0};

bool allocation_must_fail() {
  if (g_fail_countdown.load(std::memory_order_relaxed) <= 0) return false;
  return g_fail_countdown.fetch_sub(1, std::memory_order_relaxed) == 1;
}

}  // namespace

void fail_allocation_after(int64_t n) { g_fail_countdown.store(n, std::memory_order_relaxed); }

Status MemoryAccount::charge(int64_t bytes, const char* what) {
  int64_t used = used_.load(std::memory_order_relaxed), total;
  do {
    if (!checked_add(used, bytes, &total) || (limit_ > 0 && total > limit_))
      return error(Code::MemoryLimitExceeded, "%s needs %lld bytes; %lld of the %lld allowed are in use", what,
                   (long long)bytes, (long long)used, (long long)limit_);
  } while (!used_.compare_exchange_weak(used, total, std::memory_order_relaxed));
  int64_t peak = peak_.load(std::memory_order_relaxed);
  while (total > peak && !peak_.compare_exchange_weak(peak, total, std::memory_order_relaxed)) {
  }
  return {};
}

Result<RefPtr<Buffer>> Buffer::allocate_for(bool lasting, int64_t bytes, MemoryAccount* account, const char* what) {
  if (bytes < 0 || bytes > (int64_t(1) << 47))
    return error(Code::MemoryLimitExceeded, "%s needs %lld bytes", what, (long long)bytes);
  RefPtr<Buffer> buffer(new Buffer);
  if (account) ENGINE_TRY(account->charge(bytes, what));
  if (allocation_must_fail() || !buffer->take_memory(lasting, bytes)) {
    if (account) account->release(bytes);
    return error(Code::MemoryLimitExceeded, "%s needs %lld bytes, which the system refuses", what, (long long)bytes);
  }
  buffer->size_ = bytes;
  buffer->account_ = RefPtr<MemoryAccount>(account);
  return buffer;
}

bool Buffer::take_memory(bool lasting, int64_t bytes) {
  if (lasting && bytes >= kPagesFrom) data_ = static_cast<char*>(map_large_pages(bytes));
  memory_ = data_ ? Memory::Pages : Memory::Heap;
  if (data_) return true;
  size_t rounded = size_t(round_up(bytes > 0 ? bytes : 1, kAlignment));
  data_ = static_cast<char*>(::operator new(rounded, std::align_val_t(kAlignment), std::nothrow));
  return data_ != nullptr;
}

RefPtr<Buffer> Buffer::view(void* data, int64_t bytes, RefPtr<RefCounted> owner) {
  RefPtr<Buffer> buffer(new Buffer);
  buffer->data_ = static_cast<char*>(data);
  buffer->size_ = bytes;
  buffer->owner_ = std::move(owner);
  return buffer;
}

Result<RefPtr<Buffer>> Buffer::charged_view(void* data, int64_t bytes, RefPtr<RefCounted> owner, MemoryAccount* account, const char* what) {
  RefPtr<Buffer> buffer = view(data, bytes, std::move(owner));
  if (account) ENGINE_TRY(account->charge(bytes, what));
  buffer->account_ = RefPtr<MemoryAccount>(account);
  return buffer;
}

RefPtr<Buffer> Buffer::view_of_charged(void* data, int64_t bytes, RefPtr<RefCounted> owner, MemoryAccount* account) {
  RefPtr<Buffer> buffer = view(data, bytes, std::move(owner));
  buffer->account_ = RefPtr<MemoryAccount>(account);
  return buffer;
}

Buffer::~Buffer() {
  if (memory_ == Memory::Heap) ::operator delete(data_, std::align_val_t(kAlignment));
  if (memory_ == Memory::Pages && data_) unmap_large_pages(data_, size_);
  if (account_) account_->release(size_);
}

}  // namespace engine

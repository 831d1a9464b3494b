#include "plan/pack_cache.h"

#include "base/file_buffer.h"

namespace engine {

std::shared_ptr<ModelPackCache::Entry> ModelPackCache::entry_of(const Tensor& source, const std::string& kind) {
  std::string full = kind + dtype_name(source.dtype) + source.shape.text();
  std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<Entry>& entry = entries_[{source.data, std::move(full)}];
  if (!entry) entry = std::make_shared<Entry>();
  return entry;
}

Result<RefPtr<Buffer>> ModelPackCache::allocate(int64_t bytes) {
  std::lock_guard<std::mutex> lock(mutex_);
  return pages_.allocate(bytes, account_, "packed weights");
}

Result<RefPtr<Buffer>> ModelPackCache::get(const std::shared_ptr<const Tensor>& source, const std::string& kind, int64_t bytes,
                                           void (*fill)(void* arg, char* memory), void* arg) {
  std::shared_ptr<Entry> entry = entry_of(*source, kind);
  std::lock_guard<std::mutex> lock(entry->mutex);
  if (entry->packed && entry->packed->size() == bytes) return RefPtr<Buffer>(entry->packed);
  ENGINE_ASSIGN(RefPtr<Buffer> memory, allocate(bytes));
  fill(arg, memory->data());
  bytes_.fetch_add(bytes - (entry->packed ? entry->packed->size() : 0), std::memory_order_relaxed);
  entry->source = source;
  entry->packed = memory;
  drop_file_pages(source->buffer.get(), source->data, source->bytes());
  return memory;
}

}  // namespace engine

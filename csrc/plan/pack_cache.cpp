#include "plan/pack_cache.h"

namespace engine {

Result<RefPtr<Buffer>> ModelPackCache::get(const std::shared_ptr<const Tensor>& source, const std::string& kind, int64_t bytes,
                                           void (*fill)(void* arg, char* memory), void* arg) {
  std::string full = kind + dtype_name(source->dtype) + source->shape.text();
  std::lock_guard<std::mutex> lock(mutex_);
  Entry& entry = entries_[{source->data, full}];
  if (entry.packed && entry.packed->size() == bytes) return RefPtr<Buffer>(entry.packed);
  ENGINE_ASSIGN(RefPtr<Buffer> memory, pages_.allocate(bytes, account_, "packed weights"));
  fill(arg, memory->data());
  entry.source = source;
  entry.packed = memory;
  return memory;
}

int64_t ModelPackCache::bytes() const {
  std::lock_guard<std::mutex> lock(mutex_);
  int64_t total = 0;
  for (const auto& [key, entry] : entries_)
    if (entry.packed) total += entry.packed->size();
  return total;
}

}  // namespace engine

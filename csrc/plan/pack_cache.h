// Packed constants, kept once for all plans of a model.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/large_pages.h"
#include "ops/op.h"

namespace engine {

// Thread-safe. Who asks for what another thread is packing waits for that only.
class ModelPackCache final : public PackCache {
 public:
  // `account` is charged with the packed forms and must outlive the cache.
  explicit ModelPackCache(MemoryAccount* account) : account_(account) {}
  Result<RefPtr<Buffer>> get(const std::shared_ptr<const Tensor>& source, const std::string& kind, int64_t bytes,
                             void (*fill)(void* arg, char* memory), void* arg) override;
  int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    std::mutex mutex;  // held while `packed` is made
    std::shared_ptr<const Tensor> source;
    RefPtr<Buffer> packed;
  };
  std::shared_ptr<Entry> entry_of(const Tensor& source, const std::string& kind);
  Result<RefPtr<Buffer>> allocate(int64_t bytes);

  MemoryAccount* account_;
  std::atomic<int64_t> bytes_{0};
  std::mutex mutex_;       // of what follows; never held while packing
  LargePageArena pages_;
  std::map<std::pair<const void*, std::string>, std::shared_ptr<Entry>> entries_;  // by the source's memory and the kind
};

}  // namespace engine

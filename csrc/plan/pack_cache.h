// Packed constants, kept once for all plans of a model.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "base/large_pages.h"
#include "ops/op.h"

namespace engine {

class ModelPackCache final : public PackCache {
 public:
  // `account` is charged with the packed forms and must outlive the cache.
  explicit ModelPackCache(MemoryAccount* account) : account_(account) {}
  Result<RefPtr<Buffer>> get(const std::shared_ptr<const Tensor>& source, const std::string& kind, int64_t bytes,
                             void (*fill)(void* arg, char* memory), void* arg) override;
  int64_t bytes() const;

 private:
  struct Entry {
    std::shared_ptr<const Tensor> source;
    RefPtr<Buffer> packed;
  };
  MemoryAccount* account_;
  LargePageArena pages_;
  mutable std::mutex mutex_;
  std::map<std::pair<const void*, std::string>, Entry> entries_;  // by the source's memory and the kind
};

}  // namespace engine

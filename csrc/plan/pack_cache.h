// Packed constants, kept once for all plans of a model, and once for all models of the process that have the same.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/large_pages.h"
#include "ops/op.h"
#include "plan/common_packs.h"
#include "plan/pack_folder.h"

namespace engine {

// What came of a folder that processes share.
struct SharedPacks {
  int64_t bytes = 0;                  // of the packed forms that are mapped from the folder
  int64_t found = 0, stored = 0;      // packed forms that were there, and that this model put there
  int64_t failed = 0;                 // files that were no good, or could not be written
  std::string failure;                // the first of them
};

// Thread-safe. Who asks for what another thread is packing waits for that only.
class ModelPackCache final : public PackCache {
 public:
  // `account` is charged with the packed forms, also with those that other models have or that are mapped from `folder` (may be
  // null), and must outlive the cache. What goes wrong with the folder is counted and costs no more than sharing.
  explicit ModelPackCache(MemoryAccount* account, RefPtr<PackFolder> folder = nullptr) : account_(account), folder_(std::move(folder)) {}
  Result<RefPtr<Buffer>> get(const Packing& packing) override;
  int64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  SharedPacks shared() const;
  // Counts a failure.
  void note(const Status& failure);

 private:
  struct Entry {
    std::mutex mutex;  // held while `packed` is made
    std::vector<std::shared_ptr<const Tensor>> sources;
    RefPtr<Buffer> packed;
  };
  std::shared_ptr<Entry> entry_of(const Packing& packing);
  Result<RefPtr<Buffer>> make(const Packing& packing);
  Result<RefPtr<CommonPack>> common(const Packing& packing);
  Result<RefPtr<Buffer>> fill_pages(const Packing& packing, MemoryAccount* account);
  Result<RefPtr<Buffer>> share(const Packing& packing);
  RefPtr<Buffer> find(const std::string& key, int64_t bytes);
  Result<RefPtr<Buffer>> store(const Packing& packing, const std::string& key);
  bool worth_a_file(const Packing& packing) const;

  MemoryAccount* account_;
  RefPtr<PackFolder> folder_;
  std::atomic<int64_t> bytes_{0};
  std::atomic<bool> full_{false};  // the folder takes no more
  mutable std::mutex mutex_;       // of what follows; never held while packing
  SharedPacks shared_;
  LargePageArena pages_;
  std::map<std::pair<const void*, std::string>, std::shared_ptr<Entry>> entries_;  // by the first source's memory and the rest
};

}  // namespace engine

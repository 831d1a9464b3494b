#include "plan/pack_cache.h"

#include <algorithm>
#include <cstring>

#include "base/file_buffer.h"
#include "base/isa.h"
#include "onnx/sha256.h"
#include "plan/pack_key.h"

namespace engine {
namespace {

constexpr int64_t kKnownByContent = int64_t(64) << 10;  // up to here; passes may make such a constant anew for each plan
constexpr int64_t kWorthSharing = int64_t(64) << 10;    // packed bytes; fewer are not worth a mapping, or a comparison
constexpr int64_t kOutOfHeap = int64_t(512) << 10;      // from here on what is freed soon would leave the heap in fragments

// Packs into zeroed memory that is charged to nobody: bytes that are not written are the same each time, and nothing else of this
// process.
Result<RefPtr<Buffer>> fill_aside(const Packing& packing) {
  const int64_t bytes = packing.bytes < kOutOfHeap ? packing.bytes : std::max(packing.bytes, kPagesFrom);
  ENGINE_ASSIGN(RefPtr<Buffer> memory, Buffer::allocate_lasting(bytes, nullptr, "packed weights"));
  std::memset(memory->data(), 0, size_t(packing.bytes));
  packing.fill(packing.arg, memory->data());
  return memory;
}

// Bytes that were charged; released unless a buffer takes them over.
struct Charge {
  MemoryAccount* account;
  int64_t bytes;
  ~Charge() {
    if (account) account->release(bytes);
  }
};

std::string name_of(const Tensor& t, bool first) {
  std::string name = format(" %s %s %d", dtype_name(t.dtype), t.shape.text().c_str(), t.layout.block);
  if (first) return name;
  if (t.bytes() > kKnownByContent) return name + format(" at %p", t.data);
  return name + " " + sha256_hex({t.as<char>(), size_t(t.bytes())});
}

}  // namespace

std::shared_ptr<ModelPackCache::Entry> ModelPackCache::entry_of(const Packing& packing) {
  std::string name = packing.kind + " " + isa_name(active_isa());
  for (size_t i = 0; i < packing.sources.size(); ++i) name += name_of(*packing.sources[i], i == 0);
  std::lock_guard<std::mutex> lock(mutex_);
  std::shared_ptr<Entry>& entry = entries_[{packing.sources[0]->data, std::move(name)}];
  if (!entry) entry = std::make_shared<Entry>();
  return entry;
}

Result<RefPtr<Buffer>> ModelPackCache::get(const Packing& packing) {
  std::shared_ptr<Entry> entry = entry_of(packing);
  std::lock_guard<std::mutex> lock(entry->mutex);
  if (entry->packed && entry->packed->size() == packing.bytes) return RefPtr<Buffer>(entry->packed);
  ENGINE_ASSIGN(RefPtr<Buffer> memory, worth_a_file(packing) ? share(packing) : make(packing));
  bytes_.fetch_add(packing.bytes - (entry->packed ? entry->packed->size() : 0), std::memory_order_relaxed);
  entry->sources.assign(packing.sources.begin(), packing.sources.end());
  entry->packed = memory;
  for (const std::shared_ptr<const Tensor>& source : packing.sources) drop_file_pages(source->buffer.get(), source->data, source->bytes());
  return memory;
}

Result<RefPtr<Buffer>> ModelPackCache::make(const Packing& packing) {
  if (packing.bytes < kWorthSharing) return fill_pages(packing, account_);
  if (account_) ENGINE_TRY(account_->charge(packing.bytes, "packed weights"));
  Charge charge{account_, packing.bytes};
  ENGINE_ASSIGN(RefPtr<CommonPack> pack, common(packing));
  RefPtr<Buffer> charged = Buffer::view_of_charged(pack->memory().data(), packing.bytes, RefPtr<RefCounted>(pack.get()), account_);
  charge.account = nullptr;
  return charged;
}

// Packs aside where another model may have the same, so that what turns out to be there leaves no hole among the large pages.
Result<RefPtr<CommonPack>> ModelPackCache::common(const Packing& packing) {
  CommonPacks& all = CommonPacks::instance();
  const std::string name = CommonPacks::name_of(packing);
  const std::vector<RefPtr<CommonPack>> alike = all.alike(name);
  ENGINE_ASSIGN(RefPtr<Buffer> memory, alike.empty() ? fill_pages(packing, nullptr) : fill_aside(packing));
  for (const RefPtr<CommonPack>& pack : alike)
    if (std::memcmp(pack->memory().data(), memory->data(), size_t(packing.bytes)) == 0) return RefPtr<CommonPack>(pack);
  RefPtr<CommonPack> pack = make_ref<CommonPack>(std::move(memory));
  all.add(name, *pack);
  return pack;
}

Result<RefPtr<Buffer>> ModelPackCache::fill_pages(const Packing& packing, MemoryAccount* account) {
  RefPtr<Buffer> memory;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ENGINE_ASSIGN(memory, pages_.allocate(packing.bytes, account, "packed weights"));
  }
  packing.fill(packing.arg, memory->data());
  return memory;
}

bool ModelPackCache::worth_a_file(const Packing& packing) const {
  return folder_ && packing.bytes >= kWorthSharing &&
         std::all_of(packing.sources.begin(), packing.sources.end(), [](const std::shared_ptr<const Tensor>& t) { return t->layout.block == 0; });
}

// Charged as if it were packed here, before it is known where it comes from: what fits does not depend on what is in the folder.
Result<RefPtr<Buffer>> ModelPackCache::share(const Packing& packing) {
  const std::string key = pack_key(packing);
  RefPtr<Buffer> found = find(key, packing.bytes);
  if (!found && full_.load(std::memory_order_relaxed)) return make(packing);
  if (account_) ENGINE_TRY(account_->charge(packing.bytes, "packed weights"));
  Charge charge{account_, packing.bytes};
  if (!found) {
    ENGINE_ASSIGN(found, store(packing, key));
  }
  RefPtr<Buffer> charged = Buffer::view_of_charged(found->data(), packing.bytes, RefPtr<RefCounted>(found.get()), account_);
  charge.account = nullptr;
  return charged;
}

RefPtr<Buffer> ModelPackCache::find(const std::string& key, int64_t bytes) {
  Result<RefPtr<Buffer>> found = folder_->find(key, bytes);
  if (!found.ok()) {
    note(std::move(found).status());
    return nullptr;
  }
  if (!found.value()) return nullptr;
  std::lock_guard<std::mutex> lock(mutex_);
  ++shared_.found;
  shared_.bytes += bytes;
  return found.take();
}

// What cannot be stored stays in the memory that it was packed into.
Result<RefPtr<Buffer>> ModelPackCache::store(const Packing& packing, const std::string& key) {
  ENGINE_ASSIGN(RefPtr<Buffer> memory, fill_aside(packing));
  Result<RefPtr<Buffer>> stored = folder_->store(key, memory->data(), packing.bytes);
  if (!stored.ok()) {
    full_.store(true, std::memory_order_relaxed);
    note(std::move(stored).status());
    return memory;
  }
  std::lock_guard<std::mutex> lock(mutex_);
  ++shared_.stored;
  shared_.bytes += packing.bytes;
  return stored;
}

SharedPacks ModelPackCache::shared() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return shared_;
}

void ModelPackCache::note(const Status& failure) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (shared_.failed++ == 0) shared_.failure = failure.message();
}

}  // namespace engine

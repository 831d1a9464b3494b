#include "plan/common_packs.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/checksum.h"
#include "base/isa.h"

namespace engine {
namespace {

constexpr int64_t kSamples = 32, kSampleBytes = 64;  // spread over a source
constexpr size_t kMostAlike = 4;
constexpr size_t kLeastForgetting = 64;

uint64_t sample_of(const Tensor& t) {
  char sample[kSamples * kSampleBytes];
  if (t.bytes() <= int64_t(sizeof(sample))) return checksum(t.data, size_t(t.bytes()));
  for (int64_t i = 0; i < kSamples; ++i)
    std::memcpy(sample + i * kSampleBytes, t.as<char>() + (t.bytes() - kSampleBytes) / (kSamples - 1) * i, kSampleBytes);
  return checksum(sample, sizeof(sample));
}

}  // namespace

CommonPacks& CommonPacks::instance() {
  static CommonPacks* packs = new CommonPacks;
  return *packs;
}

std::string CommonPacks::name_of(const Packing& packing) {
  std::string name = format("%s %s %lld", packing.kind.c_str(), isa_name(active_isa()), (long long)packing.bytes);
  for (const std::shared_ptr<const Tensor>& t : packing.sources)
    name += format(" %s %s %d %llx", dtype_name(t->dtype), t->shape.text().c_str(), t->layout.block, (unsigned long long)sample_of(*t));
  return name;
}

std::vector<RefPtr<CommonPack>> CommonPacks::alike(const std::string& name) {
  std::vector<CommonPack::Memory> alive;
  alive.reserve(kMostAlike);
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    const auto [first, last] = packs_.equal_range(name);
    for (auto it = last; it != first && alive.size() < kMostAlike;)
      if (CommonPack::Memory memory = (--it)->second.lock()) alive.push_back(std::move(memory));
  }
  std::vector<RefPtr<CommonPack>> packs;
  for (CommonPack::Memory& memory : alive) packs.emplace_back(new CommonPack(std::move(memory)));
  return packs;
}

void CommonPacks::add(const std::string& name, const CommonPack& pack) {
  std::lock_guard<ForkMutex> lock(mutex_);
  if (packs_.size() >= forget_at_) forget_gone();
  packs_.emplace(name, pack.memory_);
}

// REQUIRES: mutex_ is held.
void CommonPacks::forget_gone() {
  std::erase_if(packs_, [](const auto& entry) { return entry.second.expired(); });
  forget_at_ = std::max(kLeastForgetting, 2 * packs_.size());
}

}  // namespace engine

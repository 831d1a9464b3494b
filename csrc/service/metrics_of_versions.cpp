// Metrics: which block counts for which version.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>

#include "service/metrics.h"

namespace engine {
namespace {

MetricsBlock* new_block() {
  void* memory = ::operator new(MetricsBlock::bytes(), std::align_val_t(64));
  std::memset(memory, 0, MetricsBlock::bytes());
  return MetricsBlock::on(memory);
}

void free_block(MetricsBlock* block) { ::operator delete(block, std::align_val_t(64)); }

}  // namespace

Metrics::Metrics() : before_(nullptr) {
  entries_.reserve(1);
  entries_.push_back({0, new_block(), false});
  current_.store(entries_[0].block);
}

Metrics::~Metrics() {
  for (Entry& entry : entries_)
    if (!entry.shared) free_block(entry.block);
  if (before_) free_block(before_);
}

void Metrics::count_for(int version, MetricsBlock* shared) {
  std::lock_guard<ForkMutex> lock(mutex_);
  if (entries_.size() == 1 && entries_[0].version == 0) entries_[0].version = version;
  MetricsBlock* known = block_of(version);
  if (known && (!shared || known == shared)) return current_.store(known, std::memory_order_release);
  entries_.reserve(entries_.size() + 1);
  MetricsBlock* block = shared ? shared : own_block();
  entries_.push_back({version, block, shared != nullptr});
  current_.store(block, std::memory_order_release);
  if (known && known->in_flight() == 0) block->take_from(*known);
}

// REQUIRES: the lock.
MetricsBlock* Metrics::block_of(int version) const {
  for (size_t i = entries_.size(); i-- > 0;)
    if (entries_[i].version == version) return entries_[i].block;
  return nullptr;
}

// REQUIRES: the lock. New, or that of the oldest version, whose counts stay in the sum of all.
MetricsBlock* Metrics::own_block() {
  if (entries_.size() < kVersions) return new_block();
  for (size_t i = 0; i < entries_.size(); ++i) {
    MetricsBlock* block = entries_[i].block;
    if (entries_[i].shared || block == current_.load() || block->in_flight() != 0) continue;
    if (!before_) before_ = new_block();
    before_->take_from(*block);
    entries_.erase(entries_.begin() + long(i));
    return block;
  }
  return new_block();
}

MetricsSnapshot Metrics::snapshot() const {
  MetricsSnapshot sum;
  std::lock_guard<ForkMutex> lock(mutex_);
  for (const Entry& entry : entries_) entry.block->add_to(sum);
  if (before_) before_->add_to(sum);
  return sum;
}

MetricsSnapshot Metrics::snapshot_of(int version) const {
  MetricsSnapshot sum;
  std::lock_guard<ForkMutex> lock(mutex_);
  for (const Entry& entry : entries_)
    if (entry.version == version) entry.block->add_to(sum);
  return sum;
}

std::vector<int> Metrics::versions() const {
  std::vector<int> out;
  std::lock_guard<ForkMutex> lock(mutex_);
  for (const Entry& entry : entries_)
    if (std::find(out.begin(), out.end(), entry.version) == out.end()) out.push_back(entry.version);
  return out;
}

void Metrics::reset_after_fork() {
  int version = 0;
  for (const Entry& entry : entries_)
    if (entry.block == current_.load()) version = entry.version;
  std::erase_if(entries_, [](const Entry& entry) { return entry.shared; });
  for (Entry& entry : entries_) entry.block->reset();
  if (before_) before_->reset();
  if (!block_of(version)) entries_[0].version = version;
  current_.store(block_of(version));
}

}  // namespace engine

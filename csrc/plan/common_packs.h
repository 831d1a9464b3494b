// Packed constants that models of this process have in common, kept once.
//
// Whoever packs asks beforehand for what may be the same, compares all bytes afterwards, and keeps what was there or adds what it made.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/memory.h"
#include "ops/op.h"
#include "sched/fork.h"

namespace engine {

// Its bytes never change. An owner of views of them.
class CommonPack final : public RefCounted {
 public:
  // `memory` is charged to nobody.
  explicit CommonPack(RefPtr<Buffer> memory) : memory_(std::make_shared<const RefPtr<Buffer>>(std::move(memory))) {}
  Buffer& memory() const { return **memory_; }

 private:
  friend class CommonPacks;
  using Memory = std::shared_ptr<const RefPtr<Buffer>>;
  explicit CommonPack(Memory memory) : memory_(std::move(memory)) {}

  const Memory memory_;  // of all that stand for the same bytes
};

// Thread-safe. Keeps nothing alive.
class CommonPacks {
 public:
  static CommonPacks& instance();

  // The same for packings that give the same bytes, and different for nearly all others: of the kind, the instruction set, and the
  // sources' types, shapes and a sample of their bytes.
  static std::string name_of(const Packing& packing);

  // Some of what was added under that name and is alive, what came last first.
  std::vector<RefPtr<CommonPack>> alike(const std::string& name);
  void add(const std::string& name, const CommonPack& pack);

 private:
  void forget_gone();

  ForkMutex mutex_;
  std::multimap<std::string, std::weak_ptr<const RefPtr<Buffer>>> packs_;
  size_t forget_at_ = 0;  // so many entries
};

}  // namespace engine

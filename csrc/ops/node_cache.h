// What operators build from a node's attributes (packed trees, hash tables), shared by all plans of the model that are alive.
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "ops/op.h"
#include "sched/fork.h"

namespace engine {

// One a type of content. Thread-safe. An entry lives as long as somebody holds it.
template <class T>
class NodeCache {
 public:
  static NodeCache& instance() {
    static NodeCache* cache = new NodeCache;
    return *cache;
  }

  // What `build` (a Result<std::shared_ptr<const T>>()) made for these attributes, now or before.
  template <class Build>
  Result<std::shared_ptr<const T>> get(const std::shared_ptr<const Attributes>& attributes, Build&& build) {
    if (auto found = find(attributes)) return found;
    ENGINE_ASSIGN(std::shared_ptr<const T> made, build());
    if (!attributes) return made;
    std::lock_guard<ForkMutex> lock(mutex_);
    for (auto it = entries_.begin(); it != entries_.end();) it = it->second.content.expired() ? entries_.erase(it) : std::next(it);
    entries_[attributes.get()] = {attributes, made};
    return made;
  }

 private:
  struct Entry {
    std::weak_ptr<const Attributes> attributes;
    std::weak_ptr<const T> content;
  };

  std::shared_ptr<const T> find(const std::shared_ptr<const Attributes>& attributes) {
    std::lock_guard<ForkMutex> lock(mutex_);
    auto it = entries_.find(attributes.get());
    if (it == entries_.end() || it->second.attributes.lock() != attributes) return nullptr;
    return it->second.content.lock();
  }

  ForkMutex mutex_;
  std::unordered_map<const Attributes*, Entry> entries_;
};

}  // namespace engine

// What operators build from a node's attributes (packed trees, hash tables), shared by all plans of the model that are alive.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "ops/op.h"

namespace engine {

// One a type of content. Thread-safe. An entry lives as long as somebody holds it, or until settle() when it is to be kept.
template <class T>
class NodeCache {
 public:
  static NodeCache& instance() {
    static NodeCache* cache = new NodeCache;
    return *cache;
  }

  // What `build` (a Result<std::shared_ptr<const T>>()) made for these attributes and `variant` (what else it depends on), now or
  // before. `keep`: inference asks for it several times while nobody holds it, and making it takes long.
  template <class Build>
  Result<std::shared_ptr<const T>> get(const std::shared_ptr<const Attributes>& attributes, Build&& build, int variant = 0, bool keep = false) {
    if (auto found = find({attributes.get(), variant}, attributes)) return found;
    ENGINE_ASSIGN(std::shared_ptr<const T> made, build());
    if (!attributes) return made;
    std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = entries_.begin(); it != entries_.end();) it = it->second.over() ? entries_.erase(it) : std::next(it);
    entries_[{attributes.get(), variant}] = {attributes, made, keep ? made : nullptr};
    return made;
  }

  // From now on an entry for these attributes lives only as long as somebody holds it: a plan does.
  void settle(const std::shared_ptr<const Attributes>& attributes, int variant = 0) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (auto it = entries_.find({attributes.get(), variant}); it != entries_.end()) it->second.kept.reset();
  }

 private:
  using Key = std::pair<const Attributes*, int>;
  struct Entry {
    std::weak_ptr<const Attributes> attributes;
    std::weak_ptr<const T> content;
    std::shared_ptr<const T> kept;

    bool over() const { return attributes.expired() || content.expired(); }
  };

  std::shared_ptr<const T> find(const Key& key, const std::shared_ptr<const Attributes>& attributes) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = entries_.find(key);
    if (it == entries_.end() || it->second.attributes.lock() != attributes) return nullptr;
    return it->second.content.lock();
  }

  std::mutex mutex_;
  std::map<Key, Entry> entries_;
};

}  // namespace engine

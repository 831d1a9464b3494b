// A table from elements to elements, for the operators that map categories.
#pragma once

#include <cmath>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ops/op.h"

namespace engine {

// From keys to the position at which they were given last. Float keys: NaN equals NaN, -0 equals 0. A few keys are compared one after
// the other, which takes less than to hash one; more are hashed.
template <class K>
class PositionTable {
 public:
  explicit PositionTable(const K* keys, int64_t count) {
    index_.reserve(size_t(count));
    for (int64_t i = 0; i < count; ++i) {
      if (is_nan(keys[i])) nan_ = i;
      else index_[keys[i]] = i;
    }
    if (index_.size() <= kFew) few_.assign(index_.begin(), index_.end());
  }

  // -1 when the key is unknown.
  int64_t find(const K& key) const {
    if (is_nan(key)) return nan_;
    if (index_.size() <= kFew) return find_among_few(key);
    auto it = index_.find(key);
    return it == index_.end() ? -1 : it->second;
  }

 private:
  static constexpr size_t kFew = 8;

  int64_t find_among_few(const K& key) const {
    for (const auto& [known, position] : few_)
      if (known == key) return position;
    return -1;
  }

  static bool is_nan(const K& key) {
    if constexpr (std::is_floating_point_v<K>) return std::isnan(key);
    else return false;
  }

  std::unordered_map<K, int64_t> index_;
  std::vector<std::pair<K, int64_t>> few_;
  int64_t nan_ = -1;
};

// Nanoseconds that one look-up takes, about.
template <class K>
inline constexpr double kLookupNs = std::is_same_v<K, std::string> ? 40 : 8;

}  // namespace engine

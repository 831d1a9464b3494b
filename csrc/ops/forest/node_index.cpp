#include "ops/forest/node_index.h"

#include <algorithm>

namespace engine {

int64_t TreeNodeIndex::build(std::span<const int64_t> trees, std::span<const int64_t> nodes) {
  for (size_t i = 0; i < trees.size(); ++i) {
    if (!last_ || last_id_ != trees[i]) {
      last_id_ = trees[i];
      last_ = &trees_[last_id_];
    }
    ++last_->count;
    last_->dense &= nodes[i] >= 0;
    if (last_->count == 1) last_->dense = nodes[i] >= 0;
    last_->most = std::max(last_->most, nodes[i]);
  }
  lay_out();
  for (size_t i = 0; i < trees.size(); ++i)
    if (!add(*tree(trees[i]), nodes[i], int32_t(i))) return int64_t(i);
  return -1;
}

void TreeNodeIndex::lay_out() {
  size_t places = 0;
  for (auto& [id, tree] : trees_) {
    tree.dense = tree.dense && tree.most < 4 * tree.count + 16;
    tree.first = places;
    if (tree.dense) places += size_t(tree.most) + 1;
  }
  places_.assign(places, -1);
}

bool TreeNodeIndex::add(Tree& tree, int64_t node, int32_t i) {
  if (!tree.dense) return tree.sparse.try_emplace(node, i).second;
  int32_t& place = places_[tree.first + size_t(node)];
  if (place >= 0) return false;
  place = i;
  return true;
}

TreeNodeIndex::Tree* TreeNodeIndex::tree(int64_t id) {
  if (last_ && last_id_ == id) return last_;
  auto found = trees_.find(id);
  if (found == trees_.end()) return nullptr;
  last_id_ = id;
  return last_ = &found->second;
}

int32_t TreeNodeIndex::find(int64_t id, int64_t node) {
  const Tree* t = tree(id);
  if (!t) return -1;
  if (t->dense) return node < 0 || node > t->most ? -1 : places_[t->first + size_t(node)];
  auto found = t->sparse.find(node);
  return found == t->sparse.end() ? -1 : found->second;
}

}  // namespace engine

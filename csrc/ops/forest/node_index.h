// Finds the nodes of a forest by (tree, node) as ONNX numbers them.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace engine {

class TreeNodeIndex {
 public:
  // Node i is number nodes[i] of tree trees[i]. Returns the first i whose number its tree has had before, or -1.
  // REQUIRES: trees and nodes are of one length, below 2^31.
  int64_t build(std::span<const int64_t> trees, std::span<const int64_t> nodes);
  // The node of that tree and number, or -1. Fastest when asked tree by tree.
  int32_t find(int64_t tree, int64_t node);

 private:
  struct Tree {
    int64_t count = 0, most = -1;
    bool dense = false;         // numbers are from 0 to about `count`: places_[first + number]
    size_t first = 0;
    std::unordered_map<int64_t, int32_t> sparse;
  };

  Tree* tree(int64_t id);
  void lay_out();
  bool add(Tree& tree, int64_t node, int32_t i);

  std::unordered_map<int64_t, Tree> trees_;
  std::vector<int32_t> places_;  // -1: no such node
  int64_t last_id_ = 0;
  Tree* last_ = nullptr;
};

}  // namespace engine

// Decision trees: walking many at a time without branches.
//
// A packed tree is an array of 8-byte nodes in which the two children of a node lie side by side. A value x of a feature is
// compared as an integer key whose order is that of x, so that one integer comparison decides a node:
//   go on to node + delta                when key(column) <= node.key   (equality nodes: when key == node.key)
//   go on to node + delta + 1            otherwise
// A leaf has delta 0 and column 0, whose key is always the least, so that a walk stays there; its key field holds the result:
// a float32 weight or the number of a list of votes. Columns are (feature, where NaN counts) pairs, see forest.h.
#pragma once

#include <stdint.h>

namespace engine {

struct TreeNode {
  int32_t key;
  uint16_t column;  // bit 15: an equality node
  uint16_t delta;
};
static_assert(sizeof(TreeNode) == 8);

inline constexpr uint16_t kTreeEquality = 0x8000;
inline constexpr int kTreeRows = 8;   // rows that are walked together
inline constexpr int kTreeSums = 8;   // running sums: tree t adds to sum t % 8, so that the order is fixed and chains are short

// Trees [0, count), tree t beginning at nodes[roots[t]].
struct TreeBlock {
  const TreeNode* nodes;
  const uint32_t* roots;
  const uint16_t* depths;      // the longest way to a leaf, in nodes
  const uint16_t* least;       // the shortest
  int count;
  bool equality;               // some node is an equality node
};

struct TreeKernels {
  // results[t * kTreeRows + lane] = key field of the leaf that row `lane` reaches in tree t.
  // keys: [columns][kTreeRows].
  void (*walk_rows)(const TreeBlock& block, const int32_t* keys, int32_t* results);
  // results[t] for one row; keys: [columns].
  void (*walk_row)(const TreeBlock& block, const int32_t* keys, int32_t* results);
  // sums[(first + t) % kTreeSums][lane] += results[t][lane] as float32, t = 0 ... count - 1.
  void (*sum_rows)(const int32_t* results, int first, int count, double* sums);
  // The same for one row; sums: [kTreeSums].
  void (*sum_row)(const int32_t* results, int first, int count, double* sums);
};

const TreeKernels& tree_kernels();

}  // namespace engine

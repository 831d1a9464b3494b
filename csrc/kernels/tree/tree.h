// Decision trees: walking many at a time without branches.
//
// A packed tree is an array of 8-byte nodes in which the two children of a node lie side by side. A value x of a feature is
// compared as an integer key whose order is that of x, so that one integer comparison decides a node:
//   go on to node + delta                when key(column) <= node.key   (equality nodes: when key == node.key)
//   go on to node + delta + 1            otherwise
// A leaf has delta 0 and column 0, whose key is always the least, so that a walk stays there; its key field holds the result:
// a float32 weight, or the number of a float64 weight or of a list of votes. Columns are (feature, where NaN counts) pairs, see forest.h.
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

// What turns the int32 key of a column into bytes: steps that rise, in vectors of 16 filled up with INT32_MAX, and the last of
// each vector as pivots, filled up likewise.
struct TreeRank {
  uint32_t steps, pivots;      // where they begin
  uint16_t pivot_vectors;
  uint16_t first, bytes;       // byte columns [first, first + bytes): min(255, steps below the key - 254 * i), at least 0
};

inline constexpr int kPanelTrees = 64;
inline constexpr int kPanelStep = 254;    // thresholds of a byte column
inline constexpr int kPanelColumns = 256;
inline constexpr int kSlotBytes = 3 * kPanelTrees;

// See panel.h. slot s: byte column, threshold and mask of each tree, 64 bytes each; flips[s] has the bit of each tree whose
// smaller subtree is the second child. Leaves of tree i, keys as in TreeNode: leaves[i * 8 * groups ...].
struct TreePanel {
  const uint8_t* slots;
  const uint64_t* flips;
  const uint16_t* ends;        // slots of group g: [ends[g - 1], ends[g]), from 0
  const int32_t* leaves;
  int groups;
  int byte_columns;
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

  // The bytes of one row from its keys[column]; to: [kPanelColumns].
  void (*rank_keys)(const TreeRank* ranks, int count, const int32_t* steps, const int32_t* keys, uint8_t* to);
  // results[row * kPanelTrees + tree] = key field of the leaf that the row reaches. bytes: [rows][kPanelColumns].
  void (*score_panel)(const TreePanel& panel, const uint8_t* bytes, int rows, int32_t* results);
  double slot_ns;              // of score_panel, about, a slot and row; 0: panels are slower than walking
};

const TreeKernels& tree_kernels();

}  // namespace engine

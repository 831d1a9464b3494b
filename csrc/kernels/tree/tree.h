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
#include <string.h>

namespace engine {

// Ordered as the floats, -0 = +0; NaN are above or below all numbers.
static inline int32_t tree_key(float x) {
  int32_t bits;
  float positive_zero = x + 0.0f;
  ::memcpy(&bits, &positive_zero, 4);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

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

// How one value of a row becomes bytes. Its steps rise, in vectors of 64 bytes; the last of each vector are its pivots, in vectors
// as well. Steps are keys (int32) of float32 features, filled up with INT32_MAX, or float64, filled up with NaN.
struct TreeRank {
  int32_t feature;
  uint32_t steps, pivots;        // where they begin
  uint16_t pivot_vectors;
  uint16_t bytes;                // byte i: how many steps are below the value, less 254 * i, between 0 and 255
  int16_t nan_greatest, nan_least;  // the first of its byte columns of that kind (NaN becomes 255 or 0); -1: none
  bool strict;                   // float64: steps below the value count; else steps at most the value
};

inline constexpr int kPanelTrees = 64;
inline constexpr int kPanelsAtOnce = 4;
inline constexpr int kPanelStep = 254;    // thresholds of a byte column
inline constexpr int kPanelColumns = 512;
inline constexpr int kSlotBytes = 3 * kPanelTrees;

// See panel.h. Slot s: byte column, threshold and `least` of each tree, 64 bytes each; a tree that has no such node has a threshold
// that no byte exceeds. Leaves of tree i, keys as in TreeNode: leaves_at[i * leaves ...].
struct TreePanel {
  const uint8_t* slots;
  const uint64_t* high;        // of slot s, bit i: 256 is to be added to the byte column of tree i; null where row_bytes is at most 256
  const int32_t* leaves_at;
  int leaves;                  // slots + 1
  int row_bytes;               // byte columns, rounded up to 64, 128, 256 or 512
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

  // Where some slot_ns is not 0: the bytes of one row.
  void (*rank_floats)(const TreeRank* ranks, int count, const int32_t* steps, const float* row, uint8_t* to);
  void (*rank_doubles)(const TreeRank* ranks, int count, const double* steps, const double* row, uint8_t* to);
  // results[(p * rows + row) * kPanelTrees + tree] = key field of the leaf that the row reaches in that tree of panel p.
  // bytes: [rows][row_bytes], the same in all panels. 1 <= panels <= kPanelsAtOnce.
  void (*score_panels)(const TreePanel* panel, int panels, const uint8_t* bytes, int rows, int32_t* results);
  // About what score_panels takes for a slot and row, for row_bytes 64, 128, 256 and 512; 0: not on this tier.
  double slot_ns[4];
};

const TreeKernels& tree_kernels();

}  // namespace engine

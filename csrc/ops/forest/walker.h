// Takes groups of rows through a segment of a packed forest, on one worker.
#pragma once

#include "kernels/tree/panel.h"
#include "ops/forest/runner.h"

namespace engine {

// Where scores go: [row of the group][target], groups one after the other.
struct Sink {
  double* scores;
  uint8_t* has;
};

inline void add_vote(TreeAggregate aggregate, const TreeVote& v, double* scores, uint8_t* has) {
  double& s = scores[v.target];
  if (!has[v.target]) s = v.weight;
  else if (aggregate == TreeAggregate::min) s = std::min(s, v.weight);
  else if (aggregate == TreeAggregate::max) s = std::max(s, v.weight);
  else s += v.weight;
  has[v.target] = 1;
}

// REQUIRES: m.fast; scratch has m.layout.bytes.
class Walker {
 public:
  Walker(const ForestModel& m, const Tensor& x, int64_t rows, int64_t width, char* scratch);

  Sink own() const { return own_; }
  int lanes(int64_t group) const { return int(std::min<int64_t>(kTreeRows, rows_ - group * kTreeRows)); }

  // Takes groups [first, first + count) through segment s. REQUIRES: count <= m.layout.groups.
  void segment(int s, int64_t first, int64_t count, const Sink& sink);

 private:
  void walk_segment(int s, int64_t first, int64_t count, const Sink& sink);
  int end_of_stretch(int first, int end) const;
  void score_segment(int s, int64_t first, int64_t count, const Sink& sink);
  void score_group(int first, int count, int rows, int64_t g, const Sink& sink);  // panels [first, first + count)
  bool apart(int n) const;
  void row_keys(int64_t row, int rows, int stride, int32_t* keys) const;
  void load_keys(int64_t group, int32_t* keys) const;
  void load_bytes(int64_t group, uint8_t* bytes) const;
  void walk_block(const TreeBlock& block, int first_tree, int n, int64_t g, const Sink& sink);
  void add_row(const int32_t* results, int first_tree, int trees, int lane, int64_t g, const Sink& sink) const;
  void add_rows(int first_tree, int trees, int n, int64_t g, const Sink& sink) const;
  void add_lists(const int32_t* results, int stride, int trees, double* scores, uint8_t* has) const;
  double* sums_of(int first_tree, int64_t g) const;
  void add_up(int s, int n, int64_t g, const Sink& sink) const;

  const ForestModel& m_;
  const Tensor& x_;
  int64_t rows_, width_;
  const GroupLayout& layout_;
  const TreeKernels& kernels_;
  char* keys_;           // int32 [group][column][lane], or, with panels, bytes [row][row_bytes]
  double* sums_;
  int32_t* results_;
  Sink own_;
};

}  // namespace engine

#include "ops/forest/walker.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"

namespace engine {
namespace {

constexpr int64_t kKeyBytes = 32 << 10;  // of the groups that go through a block of trees together
constexpr int64_t kMostGroups = 16;
constexpr int kFewRows = 2;              // so few rows of a group are walked one by one

int64_t most_trees_of_a_block(const Forest& f) {
  int64_t most = 0;
  for (size_t b = 0; b + 1 < f.blocks.size(); ++b) most = std::max<int64_t>(most, f.blocks[b + 1] - f.blocks[b]);
  return most;
}

}  // namespace

GroupLayout::GroupLayout(const ForestModel& m) : columns(int64_t(m.packed.columns.size())), targets(m.targets()) {
  int64_t key_bytes = kTreeRows * (m.panels ? int64_t(m.panels->row_bytes) : columns * 4);
  keys_per_group = key_bytes;
  sums_per_group = m.packed.lists ? 0 : targets * kTreeSums * kTreeRows;
  scores_per_group = targets * kTreeRows;
  groups = std::clamp<int64_t>(kKeyBytes / std::max(key_bytes, sums_per_group * 8), 1, kMostGroups);
  trees_at_once = m.panels ? int64_t(kPanelTrees) * kPanelsAtOnce : most_trees_of_a_block(m.packed);
  sums_at = round_up(groups * keys_per_group, 64);
  scores_at = round_up(sums_at + groups * sums_per_group * 8, 64);
  results_at = round_up(scores_at + groups * scores_per_group * 8, 64);
  has_at = round_up(results_at + trees_at_once * kTreeRows * 4, 64);
  bytes = round_up(has_at + groups * scores_per_group, 64);
}

Walker::Walker(const ForestModel& m, const Tensor& x, int64_t rows, int64_t width, char* scratch)
    : m_(m), x_(x), rows_(rows), width_(width), layout_(m.layout), kernels_(tree_kernels()) {
  keys_ = scratch;
  sums_ = reinterpret_cast<double*>(scratch + layout_.sums_at);
  results_ = reinterpret_cast<int32_t*>(scratch + layout_.results_at);
  own_ = {reinterpret_cast<double*>(scratch + layout_.scores_at), reinterpret_cast<uint8_t*>(scratch + layout_.has_at)};
}

void Walker::segment(int s, int64_t first, int64_t count, const Sink& sink) {
  std::fill_n(sums_, count * layout_.sums_per_group, 0.0);
  std::fill_n(sink.scores, count * layout_.scores_per_group, 0.0);
  std::fill_n(sink.has, count * layout_.scores_per_group, uint8_t(0));
  if (m_.panels) score_segment(s, first, count, sink);
  else walk_segment(s, first, count, sink);
  if (m_.packed.lists) return;
  for (int64_t g = 0; g < count; ++g) add_up(s, lanes(first + g), g, sink);
}

void Walker::walk_segment(int s, int64_t first, int64_t count, const Sink& sink) {
  const Forest& f = m_.packed;
  for (int64_t g = 0; g < count; ++g) load_keys(first + g, reinterpret_cast<int32_t*>(keys_ + g * layout_.keys_per_group));
  const int end = f.segments[size_t(s) + 1];
  for (int b = f.segments[size_t(s)], next = 0; b < end; b = next) {
    next = count == 1 && lanes(first) <= kFewRows ? end_of_stretch(b, end) : b + 1;
    TreeBlock block = f.block(b, next);
    for (int64_t g = 0; g < count; ++g) walk_block(block, f.blocks[size_t(b)], lanes(first + g), g, sink);
  }
}

// Of blocks from `first` on that have one target and whose results there is room for, row by row. Few rows read each node once at
// most, so that a cache need not hold the trees that are walked side by side.
int Walker::end_of_stretch(int first, int end) const {
  const Forest& f = m_.packed;
  const int most = f.blocks[size_t(first)] + int(layout_.trees_at_once * kTreeRows), target = f.target[size_t(f.blocks[size_t(first)])];
  int next = first + 1;
  while (next < end && f.blocks[size_t(next) + 1] <= most && f.target[size_t(f.blocks[size_t(next)])] == target) ++next;
  return next;
}

void Walker::score_segment(int s, int64_t first, int64_t count, const Sink& sink) {
  const TreePanels& panels = *m_.panels;
  for (int64_t g = 0; g < count; ++g) load_bytes(first + g, reinterpret_cast<uint8_t*>(keys_ + g * layout_.keys_per_group));
  int end = panels.segments[size_t(s) + 1], at_once = count == 1 ? kPanelsAtOnce : 1;  // what several groups read stays close
  for (int p = panels.segments[size_t(s)]; p < end; p += at_once)
    for (int64_t g = 0; g < count; ++g) score_group(p, std::min(at_once, end - p), lanes(first + g), g, sink);
}

void Walker::score_group(int first, int count, int rows, int64_t g, const Sink& sink) {
  const TreePanels& panels = *m_.panels;
  kernels_.score_panels(&panels.panels[size_t(first)], count, reinterpret_cast<const uint8_t*>(keys_ + g * layout_.keys_per_group), rows, results_);
  const int32_t* results = results_;
  for (int p = 0; p < count; ++p)
    for (int lane = 0; lane < rows; ++lane, results += kPanelTrees)
      add_row(results, panels.trees[size_t(first + p)].first, panels.trees[size_t(first + p)].count, lane, g, sink);
}

// Whether results come row by row, else tree by tree for kTreeRows rows.
bool Walker::apart(int n) const { return m_.panels || n <= kFewRows; }

void Walker::row_keys(int64_t row, int rows, int stride, int32_t* keys) const {
  if (x_.dtype == DType::Double) tree_keys(m_.packed, x_.as<double>() + row * width_, width_, rows, stride, keys);
  else tree_keys(m_.packed, x_.as<float>() + row * width_, width_, rows, stride, keys);
}

void Walker::load_keys(int64_t group, int32_t* keys) const {
  int n = lanes(group);
  if (apart(n)) {
    for (int lane = 0; lane < n; ++lane) row_keys(group * kTreeRows + lane, 1, 1, keys + lane * layout_.columns);
    return;
  }
  row_keys(group * kTreeRows, n, kTreeRows, keys);
  for (int64_t c = 0; n < kTreeRows && c < layout_.columns; ++c)
    for (int lane = n; lane < kTreeRows; ++lane) keys[c * kTreeRows + lane] = keys[c * kTreeRows];
}

void Walker::load_bytes(int64_t group, uint8_t* bytes) const {
  const TreePanels& p = *m_.panels;
  for (int lane = 0; lane < lanes(group); ++lane, bytes += p.row_bytes) {
    int64_t at = (group * kTreeRows + lane) * width_;
    if (x_.dtype == DType::Double) kernels_.rank_doubles(p.ranks.data(), int(p.ranks.size()), p.double_steps.data(), x_.as<double>() + at, bytes);
    else kernels_.rank_floats(p.ranks.data(), int(p.ranks.size()), p.float_steps.data(), x_.as<float>() + at, bytes);
  }
}

void Walker::walk_block(const TreeBlock& block, int first_tree, int n, int64_t g, const Sink& sink) {
  const int32_t* keys = reinterpret_cast<const int32_t*>(keys_ + g * layout_.keys_per_group);
  if (!apart(n)) {
    kernels_.walk_rows(block, keys, results_);
    add_rows(first_tree, block.count, n, g, sink);
    return;
  }
  for (int lane = 0; lane < n; ++lane) {
    kernels_.walk_row(block, keys + lane * layout_.columns, results_);
    add_row(results_, first_tree, block.count, lane, g, sink);
  }
}

double* Walker::sums_of(int first_tree, int64_t g) const {
  return sums_ + g * layout_.sums_per_group + m_.packed.target[size_t(first_tree)] * kTreeSums * kTreeRows;
}

// results[tree] of row `lane` of group g.
void Walker::add_row(const int32_t* results, int first_tree, int trees, int lane, int64_t g, const Sink& sink) const {
  const Forest& f = m_.packed;
  int64_t at = g * layout_.scores_per_group + lane * layout_.targets;
  if (f.lists) return add_lists(results, 1, trees, sink.scores + at, sink.has + at);
  double* sums = sums_of(first_tree, g) + lane * kTreeSums;
  if (f.weights.empty()) return kernels_.sum_row(results, first_tree, trees, sums);
  for (int t = 0; t < trees; ++t) sums[(first_tree + t) % kTreeSums] += f.weights[size_t(results[t])];
}

// results_[tree][lane] of group g.
void Walker::add_rows(int first_tree, int trees, int n, int64_t g, const Sink& sink) const {
  const Forest& f = m_.packed;
  int64_t at = g * layout_.scores_per_group;
  if (f.lists) {
    for (int lane = 0; lane < n; ++lane, at += layout_.targets) add_lists(results_ + lane, kTreeRows, trees, sink.scores + at, sink.has + at);
    return;
  }
  double* sums = sums_of(first_tree, g);
  if (f.weights.empty()) return kernels_.sum_rows(results_, first_tree, trees, sums);
  for (int t = 0; t < trees; ++t)
    for (int lane = 0; lane < kTreeRows; ++lane)
      sums[((first_tree + t) % kTreeSums) * kTreeRows + lane] += f.weights[size_t(results_[t * kTreeRows + lane])];
}

void Walker::add_lists(const int32_t* results, int stride, int trees, double* scores, uint8_t* has) const {
  const Forest& f = m_.packed;
  int64_t targets = layout_.targets;
  if (m_.dense && m_.aggregate != TreeAggregate::min && m_.aggregate != TreeAggregate::max) {
    for (int t = 0; t < trees; ++t) {
      const double* w = m_.dense_weights.data() + int64_t(results[t * stride]) * targets;
      for (int64_t c = 0; c < targets; ++c) scores[c] += w[c];
    }
    if (trees > 0) std::memset(has, 1, size_t(targets));
    return;
  }
  for (int t = 0; t < trees; ++t) {
    size_t list = size_t(results[t * stride]);
    for (uint32_t v = f.list_begin[list]; v < f.list_begin[list + 1]; ++v) add_vote(m_.aggregate, f.list_votes[v], scores, has);
  }
}

void Walker::add_up(int s, int n, int64_t g, const Sink& sink) const {
  const Forest& f = m_.packed;
  int64_t step = apart(n) ? 1 : kTreeRows, of_lane = apart(n) ? kTreeSums : 1;
  int64_t done = -1;
  for (int b = f.segments[size_t(s)]; b < f.segments[size_t(s) + 1]; ++b) {
    int first_tree = f.blocks[size_t(b)];
    int64_t target = f.target[size_t(first_tree)];
    if (target == done) continue;
    done = target;
    for (int lane = 0; lane < n; ++lane) {
      const double* x = sums_of(first_tree, g) + lane * of_lane;
      int64_t at = g * layout_.scores_per_group + lane * layout_.targets + target;
      sink.scores[at] = ((x[0] + x[step]) + (x[2 * step] + x[3 * step])) + ((x[4 * step] + x[5 * step]) + (x[6 * step] + x[7 * step]));
      sink.has[at] = 1;
    }
  }
}

}  // namespace engine

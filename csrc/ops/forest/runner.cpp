#include "ops/forest/runner.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"

namespace engine {
namespace {

constexpr int64_t kKeyBytes = 32 << 10;       // of the groups that go through a block of trees together
constexpr int64_t kMostGroups = 16;
constexpr int64_t kPartialBytes = 4 << 20;    // of the sums of segments that wait for their row's end
constexpr double kPlainNodeNs = 6;
constexpr int32_t kMostSums = 1024;           // targets beyond which votes are added one by one
constexpr int kFewRows = 2;                   // so few rows of a group are walked one by one

// Rows in groups of kTreeRows; what one worker holds while it walks `groups` of them.
struct GroupLayout {
  int64_t columns, targets, groups, block_trees;
  bool lists;

  explicit GroupLayout(const ForestModel& m) : columns(int64_t(m.packed.columns.size())), targets(m.targets()), lists(m.packed.lists) {
    int64_t key_bytes = columns * kTreeRows * 4, sum_bytes = lists ? 0 : targets * kTreeSums * kTreeRows * 8;
    groups = std::clamp<int64_t>(kKeyBytes / std::max(key_bytes, sum_bytes), 1, kMostGroups);
    block_trees = 0;
    for (size_t b = 0; b + 1 < m.packed.blocks.size(); ++b)
      block_trees = std::max<int64_t>(block_trees, m.packed.blocks[b + 1] - m.packed.blocks[b]);
  }

  int64_t keys_per_group() const { return columns * kTreeRows; }
  int64_t sums_per_group() const { return lists ? 0 : targets * kTreeSums * kTreeRows; }
  int64_t scores_per_group() const { return targets * kTreeRows; }
  int64_t sums_at() const { return round_up(groups * keys_per_group() * 4, 64); }
  int64_t scores_at() const { return round_up(sums_at() + groups * sums_per_group() * 8, 64); }
  int64_t results_at() const { return round_up(scores_at() + groups * scores_per_group() * 8, 64); }
  int64_t has_at() const { return round_up(results_at() + block_trees * kTreeRows * 4, 64); }
  int64_t bytes() const { return round_up(has_at() + groups * scores_per_group(), 64); }
};

// Where scores go: [row of the group][target], groups one after the other.
struct Sink {
  double* scores;
  uint8_t* has;
};

void add_vote(TreeAggregate aggregate, const TreeVote& v, double* scores, uint8_t* has) {
  double& s = scores[v.target];
  if (!has[v.target]) s = v.weight;
  else if (aggregate == TreeAggregate::min) s = std::min(s, v.weight);
  else if (aggregate == TreeAggregate::max) s = std::max(s, v.weight);
  else s += v.weight;
  has[v.target] = 1;
}

// Merges what another segment found.
void merge_scores(TreeAggregate aggregate, int64_t targets, const double* from, const uint8_t* from_has, double* scores, uint8_t* has) {
  for (int64_t c = 0; c < targets; ++c)
    if (from_has[c]) add_vote(aggregate, {int32_t(c), from[c]}, scores, has);
}

class Walker {
 public:
  Walker(const ForestModel& m, const Tensor& x, int64_t rows, int64_t width, char* scratch)
      : m_(m), x_(x), rows_(rows), width_(width), layout_(m), kernels_(tree_kernels()) {
    keys_ = reinterpret_cast<int32_t*>(scratch);
    sums_ = reinterpret_cast<double*>(scratch + layout_.sums_at());
    results_ = reinterpret_cast<int32_t*>(scratch + layout_.results_at());
    own_ = {reinterpret_cast<double*>(scratch + layout_.scores_at()), reinterpret_cast<uint8_t*>(scratch + layout_.has_at())};
  }

  Sink own() const { return own_; }

  // Walks groups [first, first + count) through a segment. REQUIRES: count <= layout.groups.
  void segment(int s, int64_t first, int64_t count, const Sink& sink) {
    const Forest& f = m_.packed;
    for (int64_t g = 0; g < count; ++g) load_keys(first + g, keys_ + g * layout_.keys_per_group());
    std::fill_n(sums_, count * layout_.sums_per_group(), 0.0);
    std::fill_n(sink.scores, count * layout_.scores_per_group(), 0.0);
    std::fill_n(sink.has, count * layout_.scores_per_group(), uint8_t(0));
    for (int b = f.segments[size_t(s)]; b < f.segments[size_t(s) + 1]; ++b) {
      TreeBlock block = f.block(b);
      for (int64_t g = 0; g < count; ++g) walk_block(block, f.blocks[size_t(b)], lanes(first + g), g, sink);
    }
    if (f.lists) return;
    for (int64_t g = 0; g < count; ++g) add_up(s, lanes(first + g), g, sink);
  }

  int lanes(int64_t group) const { return int(std::min<int64_t>(kTreeRows, rows_ - group * kTreeRows)); }

 private:
  // Few rows: keys of each row on their own; else keys of kTreeRows rows side by side.
  void load_keys(int64_t group, int32_t* keys) const {
    int n = lanes(group);
    bool apart = n <= kFewRows;
    for (int lane = 0; lane < (apart ? n : 1); ++lane) {
      int64_t at = (group * kTreeRows + lane) * width_;
      int32_t* to = keys + lane * layout_.columns;
      int rows = apart ? 1 : n, stride = apart ? 1 : kTreeRows;
      if (x_.dtype == DType::Double) tree_keys(m_.packed, x_.as<double>() + at, width_, rows, stride, to);
      else tree_keys(m_.packed, x_.as<float>() + at, width_, rows, stride, to);
    }
    if (apart || n == kTreeRows) return;
    for (int64_t c = 0; c < layout_.columns; ++c)
      for (int lane = n; lane < kTreeRows; ++lane) keys[c * kTreeRows + lane] = keys[c * kTreeRows];
  }

  void walk_block(const TreeBlock& block, int first_tree, int n, int64_t g, const Sink& sink) {
    const int32_t* keys = keys_ + g * layout_.keys_per_group();
    const Forest& f = m_.packed;
    double* scores = sink.scores + g * layout_.scores_per_group();
    uint8_t* has = sink.has + g * layout_.scores_per_group();
    double* sums = f.lists ? nullptr : sums_ + g * layout_.sums_per_group() + f.target[size_t(first_tree)] * kTreeSums * kTreeRows;
    if (n > kFewRows) {
      kernels_.walk_rows(block, keys, results_);
      if (f.lists) add_lists(block.count, n, kTreeRows, scores, has);
      else kernels_.sum_rows(results_, first_tree, block.count, sums);
      return;
    }
    for (int lane = 0; lane < n; ++lane) {
      kernels_.walk_row(block, keys + lane * layout_.columns, results_);
      if (f.lists) add_lists(block.count, 1, 1, scores + lane * layout_.targets, has + lane * layout_.targets);
      else kernels_.sum_row(results_, first_tree, block.count, sums + lane * kTreeSums);
    }
  }

  void add_lists(int trees, int rows, int stride, double* scores, uint8_t* has) const {
    int64_t targets = layout_.targets;
    const Forest& f = m_.packed;
    for (int row = 0; row < rows; ++row, scores += targets, has += targets) {
      if (m_.dense && m_.aggregate != TreeAggregate::min && m_.aggregate != TreeAggregate::max) {
        for (int t = 0; t < trees; ++t) {
          const double* w = m_.dense_weights.data() + int64_t(results_[t * stride + row]) * targets;
          for (int64_t c = 0; c < targets; ++c) scores[c] += w[c];
        }
        if (trees > 0) std::memset(has, 1, size_t(targets));
        continue;
      }
      for (int t = 0; t < trees; ++t) {
        size_t list = size_t(results_[t * stride + row]);
        for (uint32_t v = f.list_begin[list]; v < f.list_begin[list + 1]; ++v) add_vote(m_.aggregate, f.list_votes[v], scores, has);
      }
    }
  }

  void add_up(int s, int n, int64_t g, const Sink& sink) const {
    bool apart = n <= kFewRows;
    int64_t step = apart ? 1 : kTreeRows;
    const Forest& f = m_.packed;
    for (int b = f.segments[size_t(s)]; b < f.segments[size_t(s) + 1]; ++b) {
      int64_t target = f.target[size_t(f.blocks[size_t(b)])];
      const double* sums = sums_ + g * layout_.sums_per_group() + target * kTreeSums * kTreeRows;
      for (int lane = 0; lane < n; ++lane) {
        const double* x = sums + (apart ? lane * kTreeSums : lane);
        int64_t at = g * layout_.scores_per_group() + lane * layout_.targets + target;
        sink.scores[at] = ((x[0] + x[step]) + (x[2 * step] + x[3 * step])) + ((x[4 * step] + x[5 * step]) + (x[6 * step] + x[7 * step]));
        sink.has[at] = 1;
      }
    }
  }

  const ForestModel& m_;
  const Tensor& x_;
  int64_t rows_, width_;
  GroupLayout layout_;
  const TreeKernels& kernels_;
  int32_t* keys_;
  double* sums_;
  int32_t* results_;
  Sink own_;
};

void finish_rows(const ForestModel& m, int64_t first_row, int64_t rows, const Sink& sink, ForestFinish& finish) {
  for (int64_t i = 0; i < rows; ++i) {
    double* scores = sink.scores + i * m.targets();
    if (m.aggregate == TreeAggregate::average && !m.spec.roots.empty())
      for (int64_t c = 0; c < m.targets(); ++c) scores[c] /= double(m.spec.roots.size());
    finish.row(first_row + i, scores, sink.has + i * m.targets());
  }
}

int64_t segments_of(const ForestModel& m) { return int64_t(m.packed.segments.size()) - 1; }

// Groups whose segments' scores wait at one time.
int64_t waiting_groups(const ForestModel& m, int64_t groups) {
  int64_t bytes = segments_of(m) * GroupLayout(m).scores_per_group() * 9;
  return std::clamp<int64_t>(kPartialBytes / std::max<int64_t>(bytes, 1), 1, std::max<int64_t>(groups, 1));
}

Status run_whole(OpRun& r, const ForestModel& m, const Tensor& x, const ForestRows& shape, ForestFinish& finish) {
  GroupLayout layout(m);
  int64_t groups = ceil_div(shape.rows, kTreeRows);
  double ns = m.packed.ns_per_row * double(std::min<int64_t>(shape.rows, kTreeRows)) + 100;
  return r.parallel(groups, ns, [&](int64_t begin, int64_t end, int worker) {
    Walker walker(m, x, shape.rows, shape.width, r.scratch(worker));
    for (int64_t g = begin; g < end; g += layout.groups) {
      int64_t count = std::min(layout.groups, end - g), row = g * kTreeRows;
      walker.segment(0, g, count, walker.own());
      finish_rows(m, row, std::min(count * kTreeRows, shape.rows - row), walker.own(), finish);
    }
  });
}

// Several segments: each of (segment, group) is a piece of work of its own; their scores are merged in the segments' order.
Status run_segments(OpRun& r, const ForestModel& m, const Tensor& x, const ForestRows& shape, ForestFinish& finish) {
  GroupLayout layout(m);
  int64_t segments = segments_of(m), all = ceil_div(shape.rows, kTreeRows), waiting = waiting_groups(m, all);
  int64_t per_group = layout.scores_per_group();
  double* partial = r.shared_scratch<double>();
  uint8_t* partial_has = reinterpret_cast<uint8_t*>(partial + segments * waiting * per_group);
  double ns = m.packed.ns_per_row / double(segments) * double(std::min<int64_t>(shape.rows, kTreeRows)) + 100;
  for (int64_t start = 0; start < all; start += waiting) {
    int64_t groups = std::min(waiting, all - start), rows = std::min(groups * kTreeRows, shape.rows - start * kTreeRows);
    auto sink_at = [&](int64_t s, int64_t g) {
      int64_t at = (s * groups + g) * per_group;
      return Sink{partial + at, partial_has + at};
    };
    ENGINE_TRY(r.parallel(segments * groups, ns, [&](int64_t begin, int64_t end, int worker) {
      Walker walker(m, x, shape.rows, shape.width, r.scratch(worker));
      while (begin < end) {
        int64_t s = begin / groups, g = begin % groups, count = std::min({layout.groups, end - begin, groups - g});
        walker.segment(int(s), start + g, count, sink_at(s, g));
        begin += count;
      }
    }));
    double merge_ns = double(segments * layout.targets) * 2 + 50;
    ENGINE_TRY(r.parallel(rows, merge_ns, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t at = i * layout.targets;
        Sink first = sink_at(0, 0);
        for (int64_t s = 1; s < segments; ++s)
          merge_scores(m.aggregate, layout.targets, sink_at(s, 0).scores + at, sink_at(s, 0).has + at, first.scores + at, first.has + at);
        finish_rows(m, start * kTreeRows + i, 1, {first.scores + at, first.has + at}, finish);
      }
    }));
  }
  return {};
}

template <class T>
Status run_plain(OpRun& r, const ForestModel& m, const Tensor& x, const ForestRows& shape, ForestFinish& finish) {
  int64_t targets = m.targets(), trees = int64_t(m.spec.roots.size());
  double tree_ns = trees ? kPlainNodeNs * 16 + 2 : 1;
  int64_t at_once = std::max<int64_t>(1, int64_t(kTileNs / 2 / tree_ns));
  ENGINE_ASSIGN(Tensor scores, r.make(DType::Double, {shape.rows, targets}));
  ENGINE_ASSIGN(Tensor has, r.make(DType::Uint8, {shape.rows, targets}));
  std::fill_n(scores.as<double>(), scores.elements(), 0.0);
  std::fill_n(has.as<uint8_t>(), has.elements(), uint8_t(0));
  for (int64_t t = 0; t < trees; t += at_once) {
    int64_t end_tree = std::min(trees, t + at_once);
    ENGINE_TRY(r.parallel(shape.rows, tree_ns * double(end_tree - t), [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i)
        for (int64_t k = t; k < end_tree; ++k) {
          const TreeNodeSpec& leaf = m.spec.nodes[size_t(walk_plain(m.spec, m.spec.roots[size_t(k)], x.as<T>() + i * shape.width))];
          for (int32_t v = leaf.votes_begin; v < leaf.votes_end; ++v)
            add_vote(m.aggregate, m.spec.votes[size_t(v)], scores.as<double>() + i * targets, has.as<uint8_t>() + i * targets);
        }
    }));
  }
  return r.parallel(shape.rows, 50.0 + double(targets) * 4, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i)
      finish_rows(m, i, 1, {scores.as<double>() + i * targets, has.as<uint8_t>() + i * targets}, finish);
  });
}

// Every list has exactly one vote for each target, in order.
bool is_dense(const Forest& f, size_t targets) {
  if (!f.lists || f.list_votes.size() != (f.list_begin.size() - 1) * targets) return false;
  for (size_t i = 0; i + 1 < f.list_begin.size(); ++i)
    if (f.list_begin[i] != i * targets) return false;
  for (size_t i = 0; i < f.list_votes.size(); ++i)
    if (size_t(f.list_votes[i].target) != i % targets) return false;
  return true;
}

}  // namespace

Status finish_forest(ForestModel& m, bool doubles) {
  ENGINE_TRY(check_forest(m.spec));
  m.voted.assign(size_t(m.spec.targets), 0);
  for (const TreeVote& v : m.spec.votes)
    if (v.target >= 0 && v.target < m.spec.targets) m.voted[size_t(v.target)] = 1;
  bool lists = m.aggregate == TreeAggregate::min || m.aggregate == TreeAggregate::max || m.spec.targets > kMostSums;
  m.fast = !m.spec.roots.empty() && pack_forest(m.spec, lists, doubles, &m.packed);
  m.dense = m.fast && is_dense(m.packed, size_t(m.spec.targets));
  if (m.dense)
    for (const TreeVote& v : m.packed.list_votes) m.dense_weights.push_back(v.weight);
  return {};
}

Result<ForestRows> forest_rows(const ForestModel& m, const Shape& shape) {
  if (shape.rank() != 1 && shape.rank() != 2)
    return error(Code::InvalidModel, "the features have shape %s; [rows, features] is expected", shape.text().c_str());
  ForestRows rows{shape.rank() == 1 ? 1 : shape[0], shape.back()};
  if (rows.width < m.spec.features)
    return error(Code::InvalidModel, "the rows have %lld features; the trees compare feature %lld", (long long)rows.width,
                 (long long)m.spec.features - 1);
  return rows;
}

Status check_forest_shape(const ForestModel& m, const Shape& shape) {
  Result<ForestRows> rows = forest_rows(m, shape);
  return rows.ok() ? Status() : std::move(rows).status();
}

Status prepare_forest(PrepareContext& c, const ForestModel& m, const Shape& shape) {
  ENGINE_ASSIGN(ForestRows rows, forest_rows(m, shape));
  if (!m.fast) return {};
  c.need_scratch(GroupLayout(m).bytes());
  if (segments_of(m) > 1) {
    int64_t waiting = waiting_groups(m, ceil_div(rows.rows, kTreeRows));
    c.need_shared_scratch(segments_of(m) * waiting * GroupLayout(m).scores_per_group() * 9);
  }
  return {};
}

Status run_forest(OpRun& r, const ForestModel& m, const Tensor& x, ForestFinish& finish) {
  ENGINE_ASSIGN(ForestRows shape, forest_rows(m, x.shape));
  if (shape.rows == 0) return {};
  if (!m.fast) return x.dtype == DType::Double ? run_plain<double>(r, m, x, shape, finish) : run_plain<float>(r, m, x, shape, finish);
  return segments_of(m) == 1 ? run_whole(r, m, x, shape, finish) : run_segments(r, m, x, shape, finish);
}

}  // namespace engine

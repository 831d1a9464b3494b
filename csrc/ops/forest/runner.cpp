#include "ops/forest/runner.h"

#include <algorithm>
#include <bit>

#include "base/checked.h"
#include "ops/forest/walker.h"

namespace engine {
namespace {

constexpr int64_t kPartialBytes = 4 << 20;    // of the sums of segments that wait for their row's end
constexpr double kPlainNodeNs = 6;
constexpr int32_t kMostSums = 1024;           // targets beyond which votes are added one by one

void finish_rows(const ForestModel& m, int64_t first_row, int64_t rows, const Sink& sink, ForestFinish& finish) {
  for (int64_t i = 0; i < rows; ++i) {
    double* scores = sink.scores + i * m.targets();
    if (m.aggregate == TreeAggregate::average && !m.spec.roots.empty())
      for (int64_t c = 0; c < m.targets(); ++c) scores[c] /= double(m.spec.roots.size());
    finish.row(first_row + i, scores, sink.has + i * m.targets());
  }
}

// Merges what another segment found.
void merge_scores(TreeAggregate aggregate, int64_t targets, const double* from, const uint8_t* from_has, double* scores, uint8_t* has) {
  for (int64_t c = 0; c < targets; ++c)
    if (from_has[c]) add_vote(aggregate, {int32_t(c), from[c]}, scores, has);
}

int64_t segments_of(const ForestModel& m) { return int64_t(m.packed.segments.size()) - 1; }

// Groups whose segments' scores wait at one time.
int64_t waiting_groups(const ForestModel& m, int64_t groups) {
  int64_t bytes = segments_of(m) * m.layout.scores_per_group * 9;
  return std::clamp<int64_t>(kPartialBytes / std::max<int64_t>(bytes, 1), 1, std::max<int64_t>(groups, 1));
}

Status run_whole(OpRun& r, const ForestModel& m, const Tensor& x, const ForestRows& shape, ForestFinish& finish) {
  const GroupLayout& layout = m.layout;
  int64_t groups = ceil_div(shape.rows, kTreeRows);
  double ns = m.ns_per_row * double(std::min<int64_t>(shape.rows, kTreeRows)) + 100;
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
  const GroupLayout& layout = m.layout;
  int64_t segments = segments_of(m), all = ceil_div(shape.rows, kTreeRows), waiting = waiting_groups(m, all);
  int64_t per_group = layout.scores_per_group;
  double* partial = r.shared_scratch<double>();
  uint8_t* partial_has = reinterpret_cast<uint8_t*>(partial + segments * waiting * per_group);
  double ns = m.ns_per_row / double(segments) * double(std::min<int64_t>(shape.rows, kTreeRows)) + 100;
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

constexpr double kRowNs = 100, kPanelNs = 40, kRankNs = 3;

// Scores by panels where this CPU's kernels have them and they are expected to take less time than walking.
void choose_panels(ForestModel& m, bool doubles) {
  m.ns_per_row = m.packed.ns_per_row;
  const double* slot_ns = tree_kernels().slot_ns;
  if (slot_ns[0] == 0) return;
  auto panels = std::make_shared<TreePanels>();
  if (!pack_panels(m.packed, doubles, panels.get())) return;
  const double slot = slot_ns[std::countr_zero(unsigned(panels->row_bytes)) - 6];
  const double ns = slot * double(panels->slot_count()) + kPanelNs * double(panels->panels.size()) + kRankNs * double(panels->ranks.size());
  if (slot == 0 || ns + kRowNs > m.ns_per_row) return;
  m.ns_per_row = ns;
  m.panels = std::move(panels);
}

void drop_what_is_packed(ForestModel& m) {
  if (!m.fast) return;
  m.spec.nodes = {};
  m.spec.votes = {};
  m.spec.members = {};
  if (m.panels) m.packed.nodes = {};
  if (m.dense && m.aggregate != TreeAggregate::min && m.aggregate != TreeAggregate::max) m.packed.list_votes = {};
}

}  // namespace

Status finish_forest(ForestModel& m, bool doubles) {
  ENGINE_TRY(check_forest(m.spec));
  m.voted.assign(size_t(m.spec.targets), 0);
  for (const TreeVote& v : m.spec.votes) {
    if (v.target >= 0 && v.target < m.spec.targets) m.voted[size_t(v.target)] = 1;
    m.all_positive &= v.weight >= 0;
  }
  bool lists = m.aggregate == TreeAggregate::min || m.aggregate == TreeAggregate::max || m.spec.targets > kMostSums;
  m.fast = !m.spec.roots.empty() && pack_forest(m.spec, lists, doubles, &m.packed);
  if (m.fast) choose_panels(m, doubles);
  if (m.fast) m.layout = GroupLayout(m);
  m.dense = m.fast && is_dense(m.packed, size_t(m.spec.targets));
  if (m.dense)
    for (const TreeVote& v : m.packed.list_votes) m.dense_weights.push_back(v.weight);
  drop_what_is_packed(m);
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
  c.need_scratch(m.layout.bytes);
  if (segments_of(m) > 1) {
    int64_t waiting = waiting_groups(m, ceil_div(rows.rows, kTreeRows));
    c.need_shared_scratch(segments_of(m) * waiting * m.layout.scores_per_group * 9);
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

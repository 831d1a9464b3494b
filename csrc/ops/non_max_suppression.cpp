#include <algorithm>
#include <cmath>

#include "ops/axes.h"
#include "ops/order_key.h"
#include "ops/pieces.h"
#include "ops/tiled_sort.h"

namespace engine {
namespace {

struct Box {
  float y1, x1, y2, x2, area;
};

float overlap(const Box& a, const Box& b) {
  const float height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1), width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1);
  if (!(height > 0) || !(width > 0)) return 0;
  const float shared = height * width, all = a.area + b.area - shared;
  return all > 0 ? shared / all : 0;
}

class NonMaxSuppression final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloat32));
    ENGINE_TRY(c.require(1, dtypes::kFloat32));
    if (c.has_input(2)) ENGINE_TRY(c.require(2, dtypes::kIndex));
    for (int i : {3, 4})
      if (c.has_input(i)) ENGINE_TRY(c.require(i, dtypes::kFloat32));
    for (int i : {2, 3, 4})
      if (c.has_input(i)) ENGINE_TRY(require_scalar(c, i));
    by_center_ = c.attr_int("center_point_box", 0) != 0;
    c.set(0, DType::Int64, {kUnknownDim, 3});
    c.set_at_run(0);
    if (!c.known(0) || !c.known(1)) return {};
    const Shape &boxes = c.shape(0), &scores = c.shape(1);
    if (boxes.rank() != 3 || scores.rank() != 3 || boxes[2] != 4 || boxes[0] != scores[0] || boxes[1] != scores[2])
      return error(Code::InvalidModel, "boxes have shape %s, scores %s; [n, boxes, 4] and [n, classes, boxes] are allowed",
                   boxes.text().c_str(), scores.text().c_str());
    return {};
  }

  Status run(OpRun& r) const override {
    const int64_t batches = r.in(1).shape[0], classes = r.in(1).shape[1], count = r.in(1).shape[2];
    const int64_t most = r.has(2) ? std::min(integer_at(r.in(2), 0), count) : 0;
    if (most <= 0 || batches == 0 || classes == 0) return r.allocate(0, DType::Int64, {0, 3});
    ENGINE_ASSIGN(Tensor kept, r.make(DType::Int64, {0, 3}));
    int64_t kept_count = 0;
    ENGINE_ASSIGN(Tensor box_memory, r.make(DType::Float, {count, 5}));
    ENGINE_ASSIGN(Tensor order_memory, r.make(DType::Complex128, {2, count}));
    ENGINE_ASSIGN(Tensor chosen_memory, r.make(DType::Float, {most, 5}));
    for (int64_t b = 0; b < batches; ++b) {
      ENGINE_TRY(read_boxes(r, b, count, box_memory.as<Box>()));
      for (int64_t k = 0; k < classes; ++k) {
        KeyedIndex* order = order_memory.as<KeyedIndex>();
        ENGINE_ASSIGN(int64_t candidates, sort_candidates(r, r.in<float>(1) + (b * classes + k) * count, count, order));
        ENGINE_TRY(reserve(r, kept_count + std::min(most, candidates), &kept));
        ENGINE_TRY(select(r, box_memory.as<Box>(), order, candidates, most, chosen_memory.as<Box>(), b, k, kept.as<int64_t>(), &kept_count));
      }
    }
    ENGINE_TRY(r.allocate(0, DType::Int64, {kept_count, 3}));
    std::copy_n(kept.as<int64_t>(), kept_count * 3, r.out<int64_t>(0));
    return {};
  }

 private:
  // Room for n rows.
  static Status reserve(OpRun& r, int64_t n, Tensor* kept) {
    const int64_t room = kept->shape[0];
    if (n <= room) return {};
    ENGINE_ASSIGN(Tensor more, r.make(DType::Int64, {std::max(n, 2 * room), 3}));
    std::copy_n(kept->as<int64_t>(), room * 3, more.as<int64_t>());
    *kept = std::move(more);
    return {};
  }

  Status read_boxes(OpRun& r, int64_t batch, int64_t count, Box* out) const {
    const float* x = r.in<float>(0) + batch * count * 4;
    return r.parallel(count, 3, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const float* b = x + 4 * i;
        Box& o = out[i];
        if (by_center_) o = {b[1] - b[3] / 2, b[0] - b[2] / 2, b[1] + b[3] / 2, b[0] + b[2] / 2, 0};
        else o = {std::min(b[0], b[2]), std::min(b[1], b[3]), std::max(b[0], b[2]), std::max(b[1], b[3]), 0};
        o.area = (o.y2 - o.y1) * (o.x2 - o.x1);
      }
    });
  }

  // The boxes whose score passes the threshold, best first, of equal scores in order. Returns their number.
  Result<int64_t> sort_candidates(OpRun& r, const float* scores, int64_t count, KeyedIndex* order) const {
    int64_t n = 0;
    const bool limited = r.has(4);
    const float least = limited ? *r.in<float>(4) : 0;
    ENGINE_TRY(in_pieces(r, count, 16384, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        if (limited ? scores[i] > least : scores[i] == scores[i]) order[n++] = {~order_key(scores[i]), i};
    }));
    ENGINE_TRY(tiled_sort(r, order, order + count, n, 2, std::less<KeyedIndex>()));
    return n;
  }

  Status select(OpRun& r, const Box* boxes, const KeyedIndex* order, int64_t candidates, int64_t most, Box* chosen, int64_t batch,
                int64_t cls, int64_t* kept, int64_t* kept_count) const {
    constexpr int64_t kBetweenCheckpoints = 16384;
    const float limit = r.has(3) ? *r.in<float>(3) : 0;
    int64_t count = 0, work = 0;
    for (int64_t i = 0; i < candidates && count < most; ++i) {
      const Box& box = boxes[order[i].index];
      bool suppressed = false;
      for (int64_t j = 0; j < count && !suppressed; ++j) suppressed = overlap(box, chosen[j]) > limit;
      if ((work += count + 1) >= kBetweenCheckpoints) {
        ENGINE_TRY(r.checkpoint());
        work = 0;
      }
      if (suppressed) continue;
      chosen[count++] = box;
      int64_t* row = kept + 3 * (*kept_count)++;
      row[0] = batch;
      row[1] = cls;
      row[2] = order[i].index;
    }
    return {};
  }

  bool by_center_ = false;
};

}  // namespace

void op_non_max_suppression(OpTable& t) {
  for (int since : {10, 11}) t.add<NonMaxSuppression>("", "NonMaxSuppression", since, 2, 5);
}

}  // namespace engine

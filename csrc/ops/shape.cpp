#include <algorithm>

#include "ops/op.h"

namespace engine {
namespace {

class ShapeOp final : public Op {
 public:
  Status infer(InferContext& c) override {
    c.set(0, DType::Int64);
    if (!c.has_rank(0)) return {};
    int64_t rank = c.shape(0).rank();
    begin_ = clamp_axis(c.attr_int("start", 0), rank);
    end_ = std::max(begin_, clamp_axis(c.attr_int("end", rank), rank));
    c.set(0, DType::Int64, {end_ - begin_});
    return {};
  }

  Status run(OpRun& r) const override {
    const Shape& shape = r.in(0).shape;
    for (int64_t i = begin_; i < end_; ++i) r.out<int64_t>(0)[i - begin_] = shape[int(i)];
    return {};
  }

 private:
  static int64_t clamp_axis(int64_t axis, int64_t rank) { return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank); }

  int64_t begin_ = 0, end_ = 0;
};

}  // namespace

void op_shape(OpTable& t) {
  for (int since : {1, 13, 15, 19, 21, 23, 24, 25}) t.add<ShapeOp>("", "Shape", since, 1, 1);
}

}  // namespace engine

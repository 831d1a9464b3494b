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
    if (!c.known(0)) return {};
    ENGINE_ASSIGN(Tensor dims, make_tensor(DType::Int64, {end_ - begin_}, nullptr, "a shape"));
    write(c.shape(0), dims.as<int64_t>());
    c.set_value(0, std::move(dims));
    return {};
  }

  Status run(OpRun& r) const override {
    write(r.in(0).shape, r.out<int64_t>(0));
    return {};
  }

 private:
  void write(const Shape& shape, int64_t* out) const {
    for (int64_t i = begin_; i < end_; ++i) out[i - begin_] = shape[int(i)];
  }

  static int64_t clamp_axis(int64_t axis, int64_t rank) { return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank); }

  int64_t begin_ = 0, end_ = 0;
};

}  // namespace

void op_shape(OpTable& t) {
  for (int since : {1, 13, 15, 19, 21, 23, 24, 25}) t.add<ShapeOp>("", "Shape", since, 1, 1);
}

}  // namespace engine

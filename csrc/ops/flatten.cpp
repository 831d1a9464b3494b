#include "base/checked.h"
#include "ops/view_op.h"

namespace engine {
namespace {

int64_t product(const Shape& shape, int first, int last) {
  int64_t n = 1;
  for (int i = first; i < last; ++i)
    if (shape[i] == kUnknownDim || !checked_mul(n, shape[i], &n)) return kUnknownDim;
  return n;
}

class Flatten final : public ViewOp {
  Status infer_view(InferContext& c) override {
    if (!c.has_rank(0)) return {};
    const Shape& in = c.shape(0);
    int64_t axis = c.attr_int("axis", 1);
    if (axis < -in.rank() || axis > in.rank())
      return error(Code::InvalidModel, "axis %lld is out of range for %d dimensions", (long long)axis, in.rank());
    int at = int(axis < 0 ? axis + in.rank() : axis);
    c.set(0, c.dtype(0), {product(in, 0, at), product(in, at, in.rank())});
    return {};
  }
};

}  // namespace

void op_flatten(OpTable& t) {
  for (int since : {1, 9, 11, 13, 21, 23, 24, 25}) t.add<Flatten>("", "Flatten", since, 1, 1);
}

}  // namespace engine

#include "ops/elementwise/unary.h"

namespace engine {
namespace {

Status read(InferContext& c, UnaryOp&, UnaryParams& p) {
  p.a = c.attr_float("alpha", 0.2f);
  p.b = c.attr_float("beta", 0.5f);
  return {};
}

}  // namespace

void op_hard_sigmoid(OpTable& t) { add_unary<UnaryOp::hard_sigmoid, dtypes::kFloats, read>(t, "HardSigmoid", {1, 6, 22}); }

}  // namespace engine

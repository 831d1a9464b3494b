#include "ops/elementwise/unary.h"

namespace engine {
namespace {

Status read(InferContext& c, UnaryOp&, UnaryParams& p) {
  p.a = c.attr_float("alpha", 0.01f);
  return {};
}

}  // namespace

void op_leaky_relu(OpTable& t) { add_unary<UnaryOp::leaky_relu, dtypes::kFloats, read>(t, "LeakyRelu", {1, 6, 16}); }

}  // namespace engine

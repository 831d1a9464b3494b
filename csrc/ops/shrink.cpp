#include "ops/elementwise/unary.h"

namespace engine {
namespace {

Status read(InferContext& c, UnaryOp&, UnaryParams& p) {
  p.a = c.attr_float("lambd", 0.5f);
  p.b = c.attr_float("bias", 0.0f);
  return {};
}

}  // namespace

void op_shrink(OpTable& t) { add_unary<UnaryOp::shrink, dtypes::kNumeric, read>(t, "Shrink", {9}); }

}  // namespace engine

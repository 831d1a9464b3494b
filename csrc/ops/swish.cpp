#include "ops/elementwise/unary.h"

namespace engine {
namespace {

Status read(InferContext& c, UnaryOp&, UnaryParams& p) {
  p.a = c.attr_float("alpha", 1.0f);
  return {};
}

}  // namespace

void op_swish(OpTable& t) { add_unary<UnaryOp::silu, dtypes::kFloats, read>(t, "Swish", {24}); }

}  // namespace engine

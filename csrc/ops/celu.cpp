#include "ops/elementwise/unary.h"

namespace engine {
namespace {

Status read(InferContext& c, UnaryOp&, UnaryParams& p) {
  p.a = c.attr_float("alpha", 1.0f);
  if (p.a == 0) return error(Code::InvalidModel, "alpha is 0; it must not be");
  return {};
}

}  // namespace

void op_celu(OpTable& t) { add_unary<UnaryOp::celu, dtypes::kFloats, read>(t, "Celu", {12, 28}); }

}  // namespace engine

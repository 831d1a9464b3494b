#include "ops/elementwise/unary.h"

namespace engine {
namespace {

Status read(InferContext& c, UnaryOp&, UnaryParams& p) {
  p.a = c.attr_float("alpha", 1.0f);
  return {};
}

}  // namespace

void op_elu(OpTable& t) { add_unary<UnaryOp::elu, dtypes::kFloats, read>(t, "Elu", {1, 6, 22}); }

}  // namespace engine

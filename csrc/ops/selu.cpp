#include "ops/elementwise/unary.h"

namespace engine {
namespace {

Status read(InferContext& c, UnaryOp&, UnaryParams& p) {
  bool first = c.opset() < 6;
  p.a = c.attr_float("alpha", first ? 1.6732f : 1.67326319217681884765625f);
  p.b = c.attr_float("gamma", first ? 1.0507f : 1.05070102214813232421875f);
  return {};
}

}  // namespace

void op_selu(OpTable& t) { add_unary<UnaryOp::selu, dtypes::kFloats, read>(t, "Selu", {1, 6, 22}); }

}  // namespace engine

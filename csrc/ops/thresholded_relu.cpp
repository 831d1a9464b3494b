#include "ops/elementwise/unary.h"

namespace engine {
namespace {

Status read(InferContext& c, UnaryOp&, UnaryParams& p) {
  p.a = c.attr_float("alpha", 1.0f);
  return {};
}

}  // namespace

void op_thresholded_relu(OpTable& t) { add_unary<UnaryOp::thresholded_relu, dtypes::kFloats, read>(t, "ThresholdedRelu", {1, 10, 22}); }

}  // namespace engine

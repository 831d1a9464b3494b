#include "ops/elementwise/unary.h"

namespace engine {
namespace {

Status read(InferContext& c, UnaryOp&, UnaryParams& p) {
  p.a = c.attr_float("alpha", 1.702f);
  return {};
}

}  // namespace

void op_quick_gelu(OpTable& t) {
  add_unary<UnaryOp::silu, dtypes::kFloats, read>(t, "QuickGelu", {1}, "com.microsoft");
}

}  // namespace engine

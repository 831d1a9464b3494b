#include "ops/elementwise/unary.h"

namespace engine {

void op_neg(OpTable& t) { add_unary<UnaryOp::neg, dtypes::kFloats | dtypes::kSigned>(t, "Neg", {1, 6, 13}); }

}  // namespace engine

#include "ops/elementwise/unary.h"

namespace engine {

void op_sign(OpTable& t) { add_unary<UnaryOp::sign, dtypes::kNumeric>(t, "Sign", {9, 13}); }

}  // namespace engine

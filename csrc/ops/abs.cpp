#include "ops/elementwise/unary.h"

namespace engine {

void op_abs(OpTable& t) { add_unary<UnaryOp::abs, dtypes::kNumeric>(t, "Abs", {1, 6, 13}); }

}  // namespace engine

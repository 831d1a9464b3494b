#include "ops/elementwise/nary.h"

namespace engine {

void op_mean(OpTable& t) { add_nary<BinaryOp::add, dtypes::kFloats, true>(t, "Mean", {6, 8, 13}); }

}  // namespace engine

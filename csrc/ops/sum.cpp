#include "ops/elementwise/nary.h"

namespace engine {

void op_sum(OpTable& t) { add_nary<BinaryOp::add, dtypes::kFloats>(t, "Sum", {6, 8, 13}); }

}  // namespace engine

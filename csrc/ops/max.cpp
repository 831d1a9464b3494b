#include "ops/elementwise/nary.h"

namespace engine {

void op_max(OpTable& t) { add_nary<BinaryOp::max, dtypes::kNumeric>(t, "Max", {6, 8, 12, 13}); }

}  // namespace engine

#include "ops/elementwise/nary.h"

namespace engine {

void op_min(OpTable& t) { add_nary<BinaryOp::min, dtypes::kNumeric>(t, "Min", {6, 8, 12, 13}); }

}  // namespace engine

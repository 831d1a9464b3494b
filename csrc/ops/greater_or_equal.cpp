#include "ops/elementwise/binary.h"

namespace engine {

void op_greater_or_equal(OpTable& t) { add_binary<Comparison<CompareOp::greater_equal>>(t, "GreaterOrEqual", {12, 16}); }

}  // namespace engine

#include "ops/elementwise/binary.h"

namespace engine {

void op_less_or_equal(OpTable& t) { add_binary<Comparison<CompareOp::less_equal>>(t, "LessOrEqual", {12, 16}); }

}  // namespace engine

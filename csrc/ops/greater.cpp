#include "ops/elementwise/binary.h"

namespace engine {

void op_greater(OpTable& t) { add_binary<Comparison<CompareOp::greater>>(t, "Greater", {7, 9, 13}); }

}  // namespace engine

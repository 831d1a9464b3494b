#include "ops/elementwise/unary.h"

namespace engine {

void op_hard_swish(OpTable& t) { add_unary<UnaryOp::hard_swish>(t, "HardSwish", {14, 22}); }

}  // namespace engine

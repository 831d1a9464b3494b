#include "ops/elementwise/unary.h"

namespace engine {

void op_atan(OpTable& t) { add_unary<UnaryOp::atan>(t, "Atan", {7, 22}); }

}  // namespace engine

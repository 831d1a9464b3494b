#include "ops/elementwise/unary.h"

namespace engine {

void op_cos(OpTable& t) { add_unary<UnaryOp::cos>(t, "Cos", {7, 22}); }

}  // namespace engine

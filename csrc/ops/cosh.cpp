#include "ops/elementwise/unary.h"

namespace engine {

void op_cosh(OpTable& t) { add_unary<UnaryOp::cosh>(t, "Cosh", {9, 22}); }

}  // namespace engine

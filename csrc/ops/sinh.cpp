#include "ops/elementwise/unary.h"

namespace engine {

void op_sinh(OpTable& t) { add_unary<UnaryOp::sinh>(t, "Sinh", {9, 22}); }

}  // namespace engine

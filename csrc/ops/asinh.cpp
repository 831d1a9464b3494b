#include "ops/elementwise/unary.h"

namespace engine {

void op_asinh(OpTable& t) { add_unary<UnaryOp::asinh>(t, "Asinh", {9, 22}); }

}  // namespace engine

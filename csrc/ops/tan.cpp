#include "ops/elementwise/unary.h"

namespace engine {

void op_tan(OpTable& t) { add_unary<UnaryOp::tan>(t, "Tan", {7, 22}); }

}  // namespace engine

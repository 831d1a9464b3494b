#include "ops/elementwise/unary.h"

namespace engine {

void op_sin(OpTable& t) { add_unary<UnaryOp::sin>(t, "Sin", {7, 22}); }

}  // namespace engine

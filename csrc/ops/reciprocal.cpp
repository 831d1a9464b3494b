#include "ops/elementwise/unary.h"

namespace engine {

void op_reciprocal(OpTable& t) { add_unary<UnaryOp::reciprocal>(t, "Reciprocal", {1, 6, 13}); }

}  // namespace engine

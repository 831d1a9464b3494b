#include "ops/elementwise/unary.h"

namespace engine {

void op_exp(OpTable& t) { add_unary<UnaryOp::exp>(t, "Exp", {1, 6, 13}); }

}  // namespace engine

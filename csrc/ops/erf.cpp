#include "ops/elementwise/unary.h"

namespace engine {

void op_erf(OpTable& t) { add_unary<UnaryOp::erf>(t, "Erf", {9, 13}); }

}  // namespace engine

#include "ops/elementwise/unary.h"

namespace engine {

void op_acos(OpTable& t) { add_unary<UnaryOp::acos>(t, "Acos", {7, 22}); }

}  // namespace engine

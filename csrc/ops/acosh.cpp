#include "ops/elementwise/unary.h"

namespace engine {

void op_acosh(OpTable& t) { add_unary<UnaryOp::acosh>(t, "Acosh", {9, 22}); }

}  // namespace engine

#include "ops/elementwise/unary.h"

namespace engine {

void op_mish(OpTable& t) { add_unary<UnaryOp::mish>(t, "Mish", {18, 22}); }

}  // namespace engine

#include "ops/elementwise/unary.h"

namespace engine {

void op_floor(OpTable& t) { add_unary<UnaryOp::floor>(t, "Floor", {1, 6, 13}); }

}  // namespace engine

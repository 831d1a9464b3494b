#include "ops/elementwise/unary.h"

namespace engine {

void op_ceil(OpTable& t) { add_unary<UnaryOp::ceil>(t, "Ceil", {1, 6, 13}); }

}  // namespace engine

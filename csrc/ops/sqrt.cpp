#include "ops/elementwise/unary.h"

namespace engine {

void op_sqrt(OpTable& t) { add_unary<UnaryOp::sqrt>(t, "Sqrt", {1, 6, 13}); }

}  // namespace engine

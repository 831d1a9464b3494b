#include "ops/elementwise/unary.h"

namespace engine {

void op_tanh(OpTable& t) { add_unary<UnaryOp::tanh>(t, "Tanh", {1, 6, 13}); }

}  // namespace engine

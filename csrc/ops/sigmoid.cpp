#include "ops/elementwise/unary.h"

namespace engine {

void op_sigmoid(OpTable& t) { add_unary<UnaryOp::sigmoid>(t, "Sigmoid", {1, 6, 13}); }

}  // namespace engine

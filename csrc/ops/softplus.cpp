#include "ops/elementwise/unary.h"

namespace engine {

void op_softplus(OpTable& t) { add_unary<UnaryOp::softplus>(t, "Softplus", {1, 22}); }

}  // namespace engine

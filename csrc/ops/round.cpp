#include "ops/elementwise/unary.h"

namespace engine {

void op_round(OpTable& t) { add_unary<UnaryOp::round>(t, "Round", {11, 22}); }

}  // namespace engine

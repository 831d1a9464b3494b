#include "ops/elementwise/unary.h"

namespace engine {

void op_atanh(OpTable& t) { add_unary<UnaryOp::atanh>(t, "Atanh", {9, 22}); }

}  // namespace engine

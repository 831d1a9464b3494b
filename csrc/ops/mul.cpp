#include "ops/elementwise/binary.h"

namespace engine {

void op_mul(OpTable& t) { add_binary<Arithmetic<BinaryOp::mul>>(t, "Mul", {7, 13, 14}); }

}  // namespace engine

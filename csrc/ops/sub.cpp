#include "ops/elementwise/binary.h"

namespace engine {

void op_sub(OpTable& t) { add_binary<Arithmetic<BinaryOp::sub>>(t, "Sub", {7, 13, 14}); }

}  // namespace engine

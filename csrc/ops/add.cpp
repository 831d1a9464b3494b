#include "ops/elementwise/binary.h"

namespace engine {

void op_add(OpTable& t) { add_binary<Arithmetic<BinaryOp::add>>(t, "Add", {7, 13, 14}); }

}  // namespace engine

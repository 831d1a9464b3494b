#include "ops/elementwise/binary.h"

namespace engine {

void op_div(OpTable& t) { add_binary<Arithmetic<BinaryOp::div>>(t, "Div", {7, 13, 14}); }

}  // namespace engine

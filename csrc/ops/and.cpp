#include "ops/elementwise/binary.h"

namespace engine {

void op_and(OpTable& t) { add_binary<Arithmetic<BinaryOp::bit_and, dtypes::kBool>>(t, "And", {7}); }

}  // namespace engine

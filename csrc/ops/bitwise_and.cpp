#include "ops/elementwise/binary.h"

namespace engine {

void op_bitwise_and(OpTable& t) { add_binary<Arithmetic<BinaryOp::bit_and, dtypes::kIntegers>>(t, "BitwiseAnd", {18}); }

}  // namespace engine

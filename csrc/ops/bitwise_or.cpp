#include "ops/elementwise/binary.h"

namespace engine {

void op_bitwise_or(OpTable& t) { add_binary<Arithmetic<BinaryOp::bit_or, dtypes::kIntegers>>(t, "BitwiseOr", {18}); }

}  // namespace engine

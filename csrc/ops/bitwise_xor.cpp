#include "ops/elementwise/binary.h"

namespace engine {

void op_bitwise_xor(OpTable& t) { add_binary<Arithmetic<BinaryOp::bit_xor, dtypes::kIntegers>>(t, "BitwiseXor", {18}); }

}  // namespace engine

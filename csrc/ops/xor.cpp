#include "ops/elementwise/binary.h"

namespace engine {

void op_xor(OpTable& t) { add_binary<Arithmetic<BinaryOp::bit_xor, dtypes::kBool>>(t, "Xor", {7}); }

}  // namespace engine

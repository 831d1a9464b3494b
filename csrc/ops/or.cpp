#include "ops/elementwise/binary.h"

namespace engine {

void op_or(OpTable& t) { add_binary<Arithmetic<BinaryOp::bit_or, dtypes::kBool>>(t, "Or", {7}); }

}  // namespace engine

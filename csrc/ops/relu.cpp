#include "ops/elementwise/unary.h"

namespace engine {

void op_relu(OpTable& t) { add_unary<UnaryOp::relu, dtypes::kFloats | dtypes::kSigned>(t, "Relu", {1, 6, 13, 14}); }

}  // namespace engine

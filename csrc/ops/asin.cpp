#include "ops/elementwise/unary.h"

namespace engine {

void op_asin(OpTable& t) { add_unary<UnaryOp::asin>(t, "Asin", {7, 22}); }

}  // namespace engine

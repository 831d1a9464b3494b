#include "ops/elementwise/unary.h"

namespace engine {

void op_log(OpTable& t) { add_unary<UnaryOp::log>(t, "Log", {1, 6, 13}); }

}  // namespace engine

#include "ops/elementwise/unary.h"

namespace engine {

void op_softsign(OpTable& t) { add_unary<UnaryOp::softsign>(t, "Softsign", {1, 22}); }

}  // namespace engine

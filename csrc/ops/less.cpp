#include "ops/elementwise/binary.h"

namespace engine {

void op_less(OpTable& t) { add_binary<Comparison<CompareOp::less>>(t, "Less", {7, 9, 13}); }

}  // namespace engine

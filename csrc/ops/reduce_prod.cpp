#include "ops/reduce/reduce_op.h"

namespace engine {

void op_reduce_prod(OpTable& t) { add_reduce<Reduction::Prod>(t, "ReduceProd", {1, 11, 13, 18}); }

}  // namespace engine

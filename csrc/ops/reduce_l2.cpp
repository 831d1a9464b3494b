#include "ops/reduce/reduce_op.h"

namespace engine {

void op_reduce_l2(OpTable& t) { add_reduce<Reduction::L2>(t, "ReduceL2", {1, 11, 13, 18}); }

}  // namespace engine

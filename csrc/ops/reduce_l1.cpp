#include "ops/reduce/reduce_op.h"

namespace engine {

void op_reduce_l1(OpTable& t) { add_reduce<Reduction::L1>(t, "ReduceL1", {1, 11, 13, 18}); }

}  // namespace engine

#include "ops/reduce/reduce_op.h"

namespace engine {

void op_reduce_sum(OpTable& t) { add_reduce<Reduction::Sum, 13>(t, "ReduceSum", {1, 11, 13}); }

}  // namespace engine

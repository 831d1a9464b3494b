#include "ops/reduce/reduce_op.h"

namespace engine {

void op_reduce_sum_square(OpTable& t) { add_reduce<Reduction::SumSquare>(t, "ReduceSumSquare", {1, 11, 13, 18}); }

}  // namespace engine

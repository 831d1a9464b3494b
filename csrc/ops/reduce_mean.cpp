#include "ops/reduce/reduce_op.h"

namespace engine {

void op_reduce_mean(OpTable& t) { add_reduce<Reduction::Mean>(t, "ReduceMean", {1, 11, 13, 18}); }

}  // namespace engine

#include "ops/reduce/reduce_op.h"

namespace engine {

void op_reduce_log_sum(OpTable& t) {
  add_reduce<Reduction::LogSum>(t, "ReduceLogSum", {1, 11, 13, 18});
  add_reduce<Reduction::LogSum, 18, dtypes::kFloats>(t, "ReduceLogSum", {28});
}

}  // namespace engine

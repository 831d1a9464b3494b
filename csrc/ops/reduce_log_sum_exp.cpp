#include "ops/reduce/reduce_op.h"

namespace engine {

void op_reduce_log_sum_exp(OpTable& t) {
  add_reduce<Reduction::LogSumExp>(t, "ReduceLogSumExp", {1, 11, 13, 18});
  add_reduce<Reduction::LogSumExp, 18, dtypes::kFloats>(t, "ReduceLogSumExp", {28});
}

}  // namespace engine

#include "ops/reduce/reduce_op.h"

namespace engine {

void op_reduce_min(OpTable& t) {
  constexpr DTypeSet kBytes = kReducedTypes | dtype_set(DType::Int8, DType::Uint8);
  add_reduce<Reduction::Min>(t, "ReduceMin", {1, 11});
  add_reduce<Reduction::Min, 18, kBytes>(t, "ReduceMin", {12, 13, 18});
  add_reduce<Reduction::Min, 18, kBytes | dtypes::kBool>(t, "ReduceMin", {20});
}

}  // namespace engine

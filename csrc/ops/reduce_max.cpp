#include "ops/reduce/reduce_op.h"

namespace engine {

void op_reduce_max(OpTable& t) {
  constexpr DTypeSet kBytes = kReducedTypes | dtype_set(DType::Int8, DType::Uint8);
  add_reduce<Reduction::Max>(t, "ReduceMax", {1, 11});
  add_reduce<Reduction::Max, 18, kBytes>(t, "ReduceMax", {12, 13, 18});
  add_reduce<Reduction::Max, 18, kBytes | dtypes::kBool>(t, "ReduceMax", {20});
}

}  // namespace engine

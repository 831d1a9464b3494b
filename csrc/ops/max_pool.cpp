#include "ops/pool/pool_op.h"

namespace engine {
namespace {

class MaxPool final : public PoolOp {
 public:
  MaxPool() : PoolOp(Pooling::max, false, dtypes::kFloats | dtype_set(DType::Int8, DType::Uint8)) {}
};

}  // namespace

void op_max_pool(OpTable& t) {
  for (int since : {1, 8, 10, 11, 12, 22}) t.add<MaxPool>("", "MaxPool", since, 1, 1, 1, 2);
  t.add<MaxPool>("engine", "MaxPool", 1, 1, 1);
}

}  // namespace engine

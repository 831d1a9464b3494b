#include "ops/pool/pool_op.h"

namespace engine {
namespace {

class AveragePool final : public PoolOp {
 public:
  AveragePool() : PoolOp(Pooling::average, false, dtypes::kFloats) {}
};

}  // namespace

void op_average_pool(OpTable& t) {
  for (int since : {1, 7, 10, 11, 19, 22}) t.add<AveragePool>("", "AveragePool", since, 1, 1);
  t.add<AveragePool>("engine", "AveragePool", 1, 1, 1);
}

}  // namespace engine

#include "ops/pool/pool_op.h"

namespace engine {
namespace {

class GlobalAveragePool final : public PoolOp {
 public:
  GlobalAveragePool() : PoolOp(Pooling::average, true, dtypes::kFloats) {}
};

}  // namespace

void op_global_average_pool(OpTable& t) {
  for (int since : {1, 22}) t.add<GlobalAveragePool>("", "GlobalAveragePool", since, 1, 1);
  t.add<GlobalAveragePool>("engine", "GlobalAveragePool", 1, 1, 1);
}

}  // namespace engine

#include "ops/pool/pool_op.h"

namespace engine {
namespace {

class LpPool final : public PoolOp {
 public:
  LpPool() : PoolOp(Pooling::lp, false, dtypes::kFloats) {}
};

}  // namespace

void op_lp_pool(OpTable& t) {
  for (int since : {1, 2, 11, 18, 22}) t.add<LpPool>("", "LpPool", since, 1, 1);
}

}  // namespace engine

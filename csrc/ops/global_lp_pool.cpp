#include "ops/pool/pool_op.h"

namespace engine {
namespace {

class GlobalLpPool final : public PoolOp {
 public:
  GlobalLpPool() : PoolOp(Pooling::lp, true, dtypes::kFloats) {}
};

}  // namespace

void op_global_lp_pool(OpTable& t) {
  for (int since : {1, 2, 22}) t.add<GlobalLpPool>("", "GlobalLpPool", since, 1, 1);
}

}  // namespace engine

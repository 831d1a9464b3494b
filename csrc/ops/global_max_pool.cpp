#include "ops/pool/pool_op.h"

namespace engine {
namespace {

class GlobalMaxPool final : public PoolOp {
 public:
  GlobalMaxPool() : PoolOp(Pooling::max, true, dtypes::kFloats) {}
};

}  // namespace

void op_global_max_pool(OpTable& t) {
  for (int since : {1, 22}) t.add<GlobalMaxPool>("", "GlobalMaxPool", since, 1, 1);
  t.add<GlobalMaxPool>("engine", "GlobalMaxPool", 1, 1, 1);
}

}  // namespace engine

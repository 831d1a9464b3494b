#include "ops/scan/cumulative.h"

namespace engine {

void op_cum_prod(OpTable& t) {
  t.add<CumulativeOf<BinaryOp::mul>>("", "CumProd", 26, 2, 2);
}

}  // namespace engine

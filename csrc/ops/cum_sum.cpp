#include "ops/scan/cumulative.h"

namespace engine {

void op_cum_sum(OpTable& t) {
  for (int since : {11, 14}) t.add<CumulativeOf<BinaryOp::add>>("", "CumSum", since, 2, 2);
}

}  // namespace engine

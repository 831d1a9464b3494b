#include "ops/softmax/softmax_op.h"

namespace engine {

void op_softmax(OpTable& t) {
  for (int since : {1, 11, 13}) t.add<SoftmaxOf<false>>("", "Softmax", since, 1, 1);
}

}  // namespace engine

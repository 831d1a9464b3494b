#include "ops/loss/class_loss.h"

namespace engine {

void op_softmax_cross_entropy_loss(OpTable& t) {
  for (int since : {12, 13}) t.add<ClassLossOf<true>>("", "SoftmaxCrossEntropyLoss", since, 2, 3, 1, 2);
}

}  // namespace engine

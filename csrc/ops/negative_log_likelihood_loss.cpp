#include "ops/loss/class_loss.h"

namespace engine {

void op_negative_log_likelihood_loss(OpTable& t) {
  for (int since : {12, 13, 22}) t.add<ClassLossOf<false>>("", "NegativeLogLikelihoodLoss", since, 2, 3);
}

}  // namespace engine

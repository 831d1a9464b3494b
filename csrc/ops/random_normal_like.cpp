#include "ops/random/random_tensor.h"

namespace engine {

void op_random_normal_like(OpTable& t) {
  for (int since : {1, 22}) t.add<RandomTensorOf<Distribution::Normal, true>>("", "RandomNormalLike", since, 1, 1, 1, 1, kOpRandom);
}

}  // namespace engine

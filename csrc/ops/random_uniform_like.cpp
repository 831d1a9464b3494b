#include "ops/random/random_tensor.h"

namespace engine {

void op_random_uniform_like(OpTable& t) {
  for (int since : {1, 22}) t.add<RandomTensorOf<Distribution::Uniform, true>>("", "RandomUniformLike", since, 1, 1, 1, 1, kOpRandom);
}

}  // namespace engine

#include "ops/random/random_tensor.h"

namespace engine {

void op_random_normal(OpTable& t) {
  for (int since : {1, 22}) t.add<RandomTensorOf<Distribution::Normal, false>>("", "RandomNormal", since, 0, 0, 1, 1, kOpRandom);
}

}  // namespace engine

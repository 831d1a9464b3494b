#include "ops/norm/group_norm.h"

namespace engine {

void op_instance_normalization(OpTable& t) {
  for (int since : {1, 6, 22}) t.add<GroupNormOf<Grouping::PerChannel>>("", "InstanceNormalization", since, 3, 3);
}

}  // namespace engine

#include "ops/norm/group_norm.h"

namespace engine {

// Scale and bias are per group before version 21, per channel from then on.
void op_group_normalization(OpTable& t) {
  for (int since : {18, 21}) t.add<GroupNormOf<Grouping::Groups>>("", "GroupNormalization", since, 3, 3);
}

}  // namespace engine

#include "ops/resize.h"

namespace engine {

void op_upsample(OpTable& t) {
  for (int since : {1, 7}) t.add<Resize>("", "Upsample", since, 1, 1);
  for (int since : {9, 10}) t.add<Resize>("", "Upsample", since, 2, 2);
}

}  // namespace engine

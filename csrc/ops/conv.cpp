#include "ops/conv/conv_op.h"

namespace engine {

void op_conv(OpTable& t) {
  for (int since : {1, 11, 22}) t.add<ConvOp<false>>("", "Conv", since, 2, 3);
}

}  // namespace engine

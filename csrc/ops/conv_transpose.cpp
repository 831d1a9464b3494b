#include "ops/conv/conv_op.h"

namespace engine {

void op_conv_transpose(OpTable& t) {
  for (int since : {1, 11, 22}) t.add<ConvOp<true>>("", "ConvTranspose", since, 2, 3);
}

}  // namespace engine

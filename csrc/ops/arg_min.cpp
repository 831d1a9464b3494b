#include "ops/arg_extreme.h"

namespace engine {

void op_arg_min(OpTable& t) {
  for (int since : {1, 11, 12, 13}) t.add<ArgExtreme<false>>("", "ArgMin", since, 1, 1);
}

}  // namespace engine

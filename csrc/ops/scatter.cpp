#include "ops/scatter_elements.h"

namespace engine {

void op_scatter(OpTable& t) {
  for (int since : {9, 11}) t.add<ScatterElements>("", "Scatter", since, 3, 3);
}

}  // namespace engine

#include "ops/elementwise/predicate.h"

namespace engine {
namespace {

class IsNaN final : public ElementwisePredicate {};

}  // namespace

void op_is_nan(OpTable& t) {
  for (int since : {9, 13, 20}) t.add<IsNaN>("", "IsNaN", since, 1, 1);
}

}  // namespace engine

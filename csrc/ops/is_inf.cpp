#include "ops/elementwise/predicate.h"

namespace engine {
namespace {

class IsInf final : public ElementwisePredicate {
 protected:
  Status read_attributes(InferContext& c) override {
    bool negative = c.attr_int("detect_negative", 1) != 0, positive = c.attr_int("detect_positive", 1) != 0;
    never_ = !negative && !positive;
    op_ = !negative ? PredicateOp::is_positive_inf : !positive ? PredicateOp::is_negative_inf : PredicateOp::is_inf;
    return {};
  }
};

}  // namespace

void op_is_inf(OpTable& t) {
  for (int since : {10, 20}) t.add<IsInf>("", "IsInf", since, 1, 1);
}

}  // namespace engine

#include "ops/elementwise/pair.h"

namespace engine {
namespace {

class BiasGelu final : public ElementwisePair {
 public:
  BiasGelu() : ElementwisePair(PairOrder::BinaryFirst, UnaryOp::gelu_erf, BinaryOp::add) {}
};

}  // namespace

void op_bias_gelu(OpTable& t) { t.add<BiasGelu>("com.microsoft", "BiasGelu", 1, 2, 2); }

}  // namespace engine

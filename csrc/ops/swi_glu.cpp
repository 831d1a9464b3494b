#include "ops/elementwise/pair.h"

namespace engine {
namespace {

// a sigmoid(alpha a) b
class SwiGlu final : public ElementwisePair {
 public:
  SwiGlu() : ElementwisePair(PairOrder::UnaryFirst, UnaryOp::silu, BinaryOp::mul) {}

 protected:
  Status read_attributes(InferContext& c) override {
    params_.a = c.attr_float("alpha", 1.0f);
    if (!c.known(0) || !c.known(1) || c.shape(0) == c.shape(1)) return {};
    return error(Code::InvalidModel, "inputs have shapes %s and %s, which must be the same", c.shape(0).text().c_str(),
                 c.shape(1).text().c_str());
  }
};

}  // namespace

void op_swi_glu(OpTable& t) { t.add<SwiGlu>("", "SwiGLU", 28, 2, 2); }

}  // namespace engine

#include "ops/quantize/q_linear_unary.h"

namespace engine {
namespace {

class QLinearLeakyRelu final : public QLinearUnary {
 public:
  QLinearLeakyRelu() : QLinearUnary(UnaryOp::leaky_relu) {}

 protected:
  void read_attributes(InferContext& c) override { params_.a = c.attr_float("alpha", 0.01f); }
};

}  // namespace

void op_q_linear_leaky_relu(OpTable& t) { t.add<QLinearLeakyRelu>("com.microsoft", "QLinearLeakyRelu", 1, 2, 5); }

}  // namespace engine

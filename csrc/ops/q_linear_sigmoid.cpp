#include "ops/quantize/q_linear_unary.h"

namespace engine {
namespace {

class QLinearSigmoid final : public QLinearUnary {
 public:
  QLinearSigmoid() : QLinearUnary(UnaryOp::sigmoid) {}
};

}  // namespace

void op_q_linear_sigmoid(OpTable& t) { t.add<QLinearSigmoid>("com.microsoft", "QLinearSigmoid", 1, 2, 5); }

}  // namespace engine

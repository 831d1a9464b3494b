#include "ops/quantize/q_linear_binary.h"

namespace engine {
namespace {

class QLinearMul final : public QLinearBinary {
 public:
  QLinearMul() : QLinearBinary(BinaryOp::mul) {}
};

}  // namespace

void op_q_linear_mul(OpTable& t) { t.add<QLinearMul>("com.microsoft", "QLinearMul", 1, 2, 8); }

}  // namespace engine

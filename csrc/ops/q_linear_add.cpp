#include "ops/quantize/q_linear_binary.h"

namespace engine {
namespace {

class QLinearAdd final : public QLinearBinary {
 public:
  QLinearAdd() : QLinearBinary(BinaryOp::add) {}
};

}  // namespace

void op_q_linear_add(OpTable& t) { t.add<QLinearAdd>("com.microsoft", "QLinearAdd", 1, 2, 8); }

}  // namespace engine

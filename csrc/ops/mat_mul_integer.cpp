// MatMulInteger, and com.microsoft's forms with a float32 result: MatMulIntegerToFloat and DynamicQuantizeMatMul.
#include "ops/product/byte_product.h"

namespace engine {
namespace {

class MatMulInteger : public Op {
 public:
  Status infer(InferContext& c) override {
    product_.inputs.a_zero = 2;
    product_.inputs.b_zero = 3;
    return product_.infer(c, DType::Int32);
  }
  Status prepare(PrepareContext& c) override { return product_.prepare(c); }
  Status run(OpRun& r) const override { return product_.run(r); }

 protected:
  ByteProduct product_;
};

class MatMulIntegerToFloat final : public MatMulInteger {
 public:
  Status infer(InferContext& c) override {
    product_.inputs = {.a_scale = 2, .a_zero = 4, .b_scale = 3, .b_zero = 5, .float_bias = 6};
    return product_.infer(c, DType::Float);
  }
};

class DynamicQuantizeMatMul final : public MatMulInteger {
 public:
  Status infer(InferContext& c) override {
    product_.inputs = {.b_scale = 2, .b_zero = 3, .float_bias = 4};
    return product_.infer(c, DType::Float, true);
  }
};

}  // namespace

void op_mat_mul_integer(OpTable& t) {
  t.add<MatMulInteger>("", "MatMulInteger", 10, 2, 4);
  t.add<MatMulIntegerToFloat>("com.microsoft", "MatMulIntegerToFloat", 1, 4, 7);
  t.add<DynamicQuantizeMatMul>("com.microsoft", "DynamicQuantizeMatMul", 1, 3, 5);
}

}  // namespace engine

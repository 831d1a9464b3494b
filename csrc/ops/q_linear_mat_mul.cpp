// QLinearMatMul and com.microsoft.QGemm.
#include "ops/product/byte_product.h"

namespace engine {
namespace {

constexpr DTypeSet kBytes = dtype_set(DType::Uint8, DType::Int8);

class QLinearMatMul final : public Op {
 public:
  Status infer(InferContext& c) override {
    product_.inputs = {.a = 0, .b = 3, .a_scale = 1, .a_zero = 2, .b_scale = 4, .b_zero = 5, .y_scale = 6, .y_zero = 7};
    ENGINE_TRY(c.require(7, kBytes));
    return product_.infer(c, c.dtype(7));
  }
  Status prepare(PrepareContext& c) override { return product_.prepare(c); }
  Status run(OpRun& r) const override { return product_.run(r); }

 private:
  ByteProduct product_;
};

class QGemm final : public Op {
 public:
  Status infer(InferContext& c) override {
    product_.inputs = {.a = 0, .b = 3, .a_scale = 1, .a_zero = 2, .b_scale = 4, .b_zero = 5, .y_scale = 7, .y_zero = 8, .int_bias = 6};
    product_.trans_a = c.attr_int("transA", 0) != 0;
    product_.trans_b = c.attr_int("transB", 0) != 0;
    product_.alpha = c.attr_float("alpha", 1);
    if (!c.has_input(8)) return product_.infer(c, DType::Float);
    ENGINE_TRY(c.require(8, kBytes));
    return product_.infer(c, c.dtype(8));
  }
  Status prepare(PrepareContext& c) override { return product_.prepare(c); }
  Status run(OpRun& r) const override { return product_.run(r); }

 private:
  ByteProduct product_;
};

}  // namespace

void op_q_linear_mat_mul(OpTable& t) {
  for (int since : {10, 21}) t.add<QLinearMatMul>("", "QLinearMatMul", since, 8, 8);
  t.add<QGemm>("com.microsoft", "QGemm", 1, 6, 9);
}

}  // namespace engine

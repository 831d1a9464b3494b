#include "ops/product/product.h"

namespace engine {
namespace {

class MatMul final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kProductTypes));
    ENGINE_TRY(c.require_same(0, 1));
    c.set(0, c.dtype(0));
    if (!c.has_rank(0) || !c.has_rank(1)) return {};
    ENGINE_ASSIGN(Shape shape, matmul_shape(c.shape(0), c.shape(1)));
    c.set(0, c.dtype(0), shape);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    Strided a = as_matrix(strided(c.shape(0)), true), b = as_matrix(strided(c.shape(1)), false);
    Shape out = c.output_shape(0);
    if (c.shape(0).rank() == 1) out.insert(c.shape(1).rank() == 1 ? 0 : out.rank() - 1, 1);
    if (c.shape(1).rank() == 1) out.push_back(1);
    ProductShape shape = product_shape(a, b, strided(out));
    typed_ = is_typed_product(c.dtype(0));
    return typed_ ? typed_product_.prepare(c, shape, c.dtype(0)) : product_.prepare(c, shape, 0, 1, c.dtype(0));
  }

  Status run(OpRun& r) const override {
    if (typed_) return typed_product_.run(r, r.in(0).data, r.in(1).data, r.out(0).data, 0);
    ProductTerms terms;
    terms.a = r.in(0).data, terms.b = r.in(1).data, terms.c = r.out(0).data;
    return product_.run(r, terms);
  }

 private:
  Product product_;
  TypedProduct typed_product_;
  bool typed_ = false;
};

}  // namespace

void op_mat_mul(OpTable& t) {
  for (int since : {1, 9, 13}) t.add<MatMul>("", "MatMul", since, 2, 2);
}

}  // namespace engine

// engine.FusedMatMul: activation(alpha * A' B' + bias + residual), A' and B' being permuted views of A and B.
//   inputs      A, B, bias (one value a column; optional), residual (of the output's shape; optional); float32
//   attributes  a_perm, b_perm (as Transpose's; absent: none), alpha, activation, activation_a, activation_b
// com.microsoft.FusedMatMul: alpha * A' B' with transA, transB, transBatchA, transBatchB.
#include "ops/product/named_activation.h"
#include "ops/product/product.h"

namespace engine {
namespace {

constexpr DTypeSet kTypes = dtypes::kFloats;

class PermutedProduct : public Op {
 public:
  Status prepare(PrepareContext& c) override {
    ProductShape shape = product_shape(operand(c.shape(0), a_perm_, true), operand(c.shape(1), b_perm_, false), output(c));
    typed_ = is_typed_product(c.dtype(0));
    return typed_ ? typed_product_.prepare(c, shape, c.dtype(0)) : product_.prepare(c, shape, 0, 1, c.dtype(0));
  }

  Status run(OpRun& r) const override {
    if (typed_) return typed_product_.run(r, r.in(0).data, r.in(1).data, r.out(0).data, 0);
    ProductTerms terms;
    terms.a = r.in(0).data, terms.b = r.in(1).data, terms.c = r.out(0).data;
    if (r.has(2)) terms.column_bias = r.in(2).data;
    if (r.has(3)) terms.residual = r.in(3).data;
    return product_.run(r, terms);
  }

 protected:
  using Perm = std::vector<int64_t>;

  Status infer_product(InferContext& c) {
    ENGINE_TRY(c.require_same(0, 1));
    c.set(0, c.dtype(0));
    if (!c.has_rank(0) || !c.has_rank(1)) return {};
    ENGINE_ASSIGN(Shape a, permuted_shape(c.shape(0), a_perm_));
    ENGINE_ASSIGN(Shape b, permuted_shape(c.shape(1), b_perm_));
    ENGINE_ASSIGN(Shape out, matmul_shape(a, b));
    c.set(0, c.dtype(0), out);
    return {};
  }

  static Result<Shape> permuted_shape(const Shape& shape, const Perm& perm) {
    if (perm.empty()) return shape;
    if (!is_permutation(perm, shape.rank())) return error(Code::InvalidModel, "a permutation does not fit shape %s", shape.text().c_str());
    Shape out;
    for (int64_t axis : perm) out.push_back(shape[int(axis)]);
    return out;
  }

  static Strided operand(const Shape& shape, const Perm& perm, bool left) {
    Strided view = strided(shape);
    return as_matrix(perm.empty() ? view : permuted(view, perm), left);
  }

  Strided output(const PrepareContext& c) const {
    Shape out = c.output_shape(0);
    if (c.shape(0).rank() == 1) out.insert(c.shape(1).rank() == 1 ? 0 : out.rank() - 1, 1);
    if (c.shape(1).rank() == 1) out.push_back(1);
    return strided(out);
  }

  Perm a_perm_, b_perm_;
  Product product_;
  TypedProduct typed_product_;
  bool typed_ = false;
};

class FusedMatMul final : public PermutedProduct {
 public:
  Status infer(InferContext& c) override {
    for (int i = 0; i < c.input_count(); ++i)
      if (c.has_input(i)) ENGINE_TRY(c.require(i, dtypes::kFloat32));
    a_perm_ = c.attr_ints("a_perm");
    b_perm_ = c.attr_ints("b_perm");
    product_.alpha = c.attr_float("alpha", 1);
    product_.activation_a = c.attr_float("activation_a", 0);
    product_.activation_b = c.attr_float("activation_b", 0);
    ENGINE_ASSIGN(product_.activation, activation_named(c.attr_string("activation", "")));
    ENGINE_TRY(infer_product(c));
    const TypeInfo& out = c.outputs[0].type;
    if (!out.has_rank) return {};
    if (c.known(2) && out.static_shape() && (out.shape.rank() == 0 || c.shape(2).elements() != out.shape.back()))
      return error(Code::InvalidModel, "bias has shape %s, output %s", c.shape(2).text().c_str(), out.shape.text().c_str());
    if (c.known(3) && out.static_shape() && !(c.shape(3) == out.shape))
      return error(Code::InvalidModel, "residual has shape %s, output %s", c.shape(3).text().c_str(), out.shape.text().c_str());
    if (c.has_input(3)) c.allow_in_place(0, 3);
    return {};
  }
};

class MicrosoftFusedMatMul final : public PermutedProduct {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kTypes));
    if (c.has_rank(0)) a_perm_ = perm(c.shape(0).rank(), c.attr_int("transA", 0) != 0, c.attr_int("transBatchA", 0) != 0);
    if (c.has_rank(1)) b_perm_ = perm(c.shape(1).rank(), c.attr_int("transB", 0) != 0, c.attr_int("transBatchB", 0) != 0);
    product_.alpha = c.attr_float("alpha", 1);
    typed_product_.alpha = product_.alpha;
    return infer_product(c);
  }

 private:
  // Batch transposition moves the first dimension behind the batches.
  static Perm perm(int rank, bool transpose, bool batch) {
    Perm out;
    if (rank < 2) return out;
    for (int64_t i = 0; i < rank; ++i) out.push_back(i);
    if (batch) {
      out.erase(out.begin());
      out.insert(out.end() - 1, 0);
    }
    if (transpose) std::swap(out[size_t(rank) - 1], out[size_t(rank) - 2]);
    return out;
  }
};

}  // namespace

void op_fused_mat_mul(OpTable& t) {
  t.add<FusedMatMul>("engine", "FusedMatMul", 1, 2, 4);
  t.add<MicrosoftFusedMatMul>("com.microsoft", "FusedMatMul", 1, 2, 2);
}

}  // namespace engine

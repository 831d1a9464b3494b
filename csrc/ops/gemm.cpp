#include <cmath>

#include "ops/product/named_activation.h"
#include "ops/product/product.h"

namespace engine {
namespace {

// C as a term: where its elements are, for output element [i, j].
enum class Term : uint8_t { None, Column, Row, Full, Expanded };

// Gemm, and com.microsoft.FusedGemm, which has an activation besides.
class Gemm final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kProductTypes));
    ENGINE_TRY(c.require_same(0, 1));
    if (c.has_input(2)) ENGINE_TRY(c.require_same(0, 2));
    trans_a_ = c.attr_int("transA", 0) != 0;
    trans_b_ = c.attr_int("transB", 0) != 0;
    alpha_ = c.attr_float("alpha", 1);
    beta_ = c.attr_float("beta", 1);
    ENGINE_ASSIGN(product_.activation, activation_named(c.attr_string("activation", "")));
    product_.activation_a = c.attr_float("activation_alpha", product_.activation == Activation::leaky_relu ? 0.01f : 0.2f);
    product_.activation_b = c.attr_float("activation_beta", 0.5f);
    if (product_.activation != Activation::none) ENGINE_TRY(c.require(0, dtypes::kFloats & ~dtype_set(DType::Double)));
    bool integer = contains(dtypes::kIntegers, c.dtype(0));
    if (integer && (alpha_ != std::trunc(alpha_) || beta_ != std::trunc(beta_)))
      return error(Code::UnsupportedOperator, "alpha %g and beta %g must be integral for integers", alpha_, beta_);
    c.set(0, c.dtype(0));
    if (!c.has_rank(0) || !c.has_rank(1)) return {};
    if (c.shape(0).rank() != 2 || c.shape(1).rank() != 2)
      return error(Code::InvalidModel, "operands have shapes %s and %s, which must be matrices", c.shape(0).text().c_str(),
                   c.shape(1).text().c_str());
    ENGINE_ASSIGN(Shape shape, matmul_shape(oriented(c.shape(0), trans_a_), oriented(c.shape(1), trans_b_)));
    if (c.has_rank(2)) ENGINE_TRY(check_term(c.shape(2), shape));
    c.set(0, c.dtype(0), shape);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    Strided a = strided(c.shape(0)), b = strided(c.shape(1));
    if (trans_a_) a = transposed(a);
    if (trans_b_) b = transposed(b);
    const Shape& out = c.output_shape(0);
    ProductShape shape = product_shape(a, b, strided(out));
    typed_ = is_typed_product(c.dtype(0));
    dtype_ = c.dtype(0);
    term_ = choose_term(c, out);
    typed_product_.alpha = alpha_;
    product_.alpha = alpha_;
    return typed_ ? typed_product_.prepare(c, shape, dtype_) : product_.prepare(c, shape, 0, 1, dtype_);
  }

  Status run(OpRun& r) const override {
    if (term_ == Term::Expanded) ENGINE_TRY(expand_term(r));
    float beta = term_ == Term::Expanded ? beta_ : 0;
    if (typed_) return typed_product_.run(r, r.in(0).data, r.in(1).data, r.out(0).data, beta);
    ProductTerms terms;
    terms.a = r.in(0).data, terms.b = r.in(1).data, terms.c = r.out(0).data;
    terms.beta = beta;
    if (term_ == Term::Column) terms.column_bias = r.in(2).data;
    if (term_ == Term::Row) terms.row_bias = r.in(2).data;
    if (term_ == Term::Full) terms.residual = r.in(2).data;
    return product_.run(r, terms);
  }

 private:
  static Shape oriented(const Shape& s, bool transpose) { return transpose ? Shape{s[1], s[0]} : s; }

  static Status check_term(const Shape& term, const Shape& out) {
    bool fits = term.rank() <= 2;
    for (int i = 0; fits && i < term.rank(); ++i) {
      int64_t have = term[term.rank() - 1 - i], want = out[1 - i];
      fits = have < 0 || want < 0 || have == 1 || have == want;
    }
    if (fits) return {};
    return error(Code::InvalidModel, "C has shape %s, which does not broadcast to %s", term.text().c_str(), out.text().c_str());
  }

  Term choose_term(const PrepareContext& c, const Shape& out) const {
    if (!c.has_input(2) || beta_ == 0) return Term::None;
    const Shape& s = c.shape(2);
    int64_t columns = s.rank() > 0 ? s.back() : 1, rows = s.rank() > 1 ? s[0] : 1;
    if (dtype_ != DType::Float || beta_ != 1) return Term::Expanded;
    if (rows == out[0] && columns == out[1]) return Term::Full;
    if (rows == 1 && columns == out[1]) return Term::Column;
    if (rows == out[0] && columns == 1) return Term::Row;
    return Term::Expanded;
  }

  Status expand_term(OpRun& r) const {
    const Tensor& term = r.in(2);
    int rank = term.shape.rank();
    int64_t columns = r.out(0).shape[1];
    int64_t column_step = rank > 0 && term.shape.back() != 1 ? 1 : 0;
    int64_t row_step = rank > 1 && term.shape[0] != 1 ? term.shape[1] : 0;
    void* out = r.out(0).data;
    return r.parallel(r.out(0).shape[0], double(columns) + 1, [&](int64_t begin, int64_t end, int) {
      visit_width(dtype_, [&]<class U>() {
        for (int64_t i = begin; i < end; ++i)
          for (int64_t j = 0; j < columns; ++j)
            static_cast<U*>(out)[i * columns + j] = term.as<U>()[i * row_step + j * column_step];
      });
    });
  }

  Product product_;
  TypedProduct typed_product_;
  bool trans_a_ = false, trans_b_ = false, typed_ = false;
  float alpha_ = 1, beta_ = 1;
  DType dtype_ = DType::Float;
  Term term_ = Term::None;
};

}  // namespace

void op_gemm(OpTable& t) {
  for (int since : {1, 6, 7, 9, 11, 13}) t.add<Gemm>("", "Gemm", since, 2, 3);
  t.add<Gemm>("com.microsoft", "FusedGemm", 1, 2, 3);
}

}  // namespace engine

// engine.ProductPair: two products of the same rows by constant matrices, made by passes (fuse_product_pair). A stretch of rows goes
// through both before the next, so that what is between them stays in the cache.
#include "base/checked.h"
#include "ops/product/named_activation.h"
#include "ops/product/product.h"

namespace engine {
namespace {

constexpr int64_t kStretchBytes = 512 << 10;  // of what is between the two
constexpr int64_t kLeastRows = 96;            // each of which reads all weights from a cache
constexpr int64_t kStretchesOfAThread = 4;
constexpr int kFirst = 1, kSecond = 2, kFirstBias = 3, kSecondBias = 4, kResidual = 5;

// y = second_activation(activation(x W1 + b1) W2 + b2 + residual); inputs x, W1, W2, b1, b2, residual of y's shape, the last three
// optional. Attributes alpha, activation, activation_a, activation_b, and the same with "second_" before.
class ProductPair final : public Op {
 public:
  Status infer(InferContext& c) override {
    for (int i = 0; i <= kResidual; ++i)
      if (i == 0 || i == kFirst || i == kSecond || c.has_input(i)) ENGINE_TRY(c.require(i, dtypes::kFloat32));
    ENGINE_TRY(read(c, "", &first_));
    ENGINE_TRY(read(c, "second_", &second_));
    c.set(0, DType::Float);
    if (!c.all_known()) return {};
    ENGINE_ASSIGN(Shape between, matmul_shape(c.shape(0), c.shape(kFirst)));
    ENGINE_ASSIGN(Shape out, matmul_shape(between, c.shape(kSecond)));
    if (c.shape(0).rank() < 2 || c.shape(kFirst).rank() != 2 || c.shape(kSecond).rank() != 2)
      return error(Code::UnsupportedOperator, "operands of these ranks are not supported");
    ENGINE_TRY(check_bias(c, kFirstBias, between.back()));
    ENGINE_TRY(check_bias(c, kSecondBias, out.back()));
    if (c.has_input(kResidual) && !(c.shape(kResidual) == out))
      return error(Code::InvalidModel, "residual has shape %s, output %s", c.shape(kResidual).text().c_str(), out.text().c_str());
    c.set(0, DType::Float, out);
    if (c.has_input(kResidual)) c.allow_in_place(0, kResidual);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& x = c.shape(0);
    rows_ = x.elements(0, x.rank() - 1);
    depth_ = x.back(), between_ = c.shape(kFirst)[1], columns_ = c.shape(kSecond)[1];
    const int64_t most = std::max(kLeastRows, kStretchBytes / 4 / std::max<int64_t>(1, between_));
    const int64_t wanted = c.threads() > 1 ? kStretchesOfAThread * c.threads() : 1;
    stretches_ = std::max({int64_t(1), ceil_div(rows_, most), std::min(wanted, rows_ / kLeastRows)});
    whole_ = stretches_ < c.threads() * 2;
    stretch_ = whole_ ? rows_ : ceil_div(rows_, stretches_);
    stretches_ = stretch_ > 0 ? ceil_div(rows_, stretch_) : 0;
    ENGINE_TRY(first_.prepare(c, product_shape(matrix(stretch_, depth_), strided(c.shape(kFirst)), matrix(stretch_, between_), false), 0, kFirst,
                              DType::Float));
    ENGINE_TRY(second_.prepare(c, product_shape(matrix(stretch_, between_), strided(c.shape(kSecond)), matrix(stretch_, columns_), false), 0,
                               kSecond, DType::Float));
    if (whole_) c.need_shared_scratch(between_bytes());
    else c.need_scratch(between_bytes() + std::max(first_.scratch_bytes(), second_.scratch_bytes()));
    return {};
  }

  Status run(OpRun& r) const override {
    if (whole_) {
      ENGINE_TRY(first_.run(r, first_terms(r, 0, r.shared_scratch())));
      return second_.run(r, second_terms(r, 0, r.shared_scratch()));
    }
    return r.parallel(stretches_, first_.ns() + second_.ns(), [&](int64_t begin, int64_t end, int worker) {
      for (int64_t i = begin; i < end; ++i)
        if (!run_stretch(r, i * stretch_, worker)) return;
    });
  }

 private:
  static Status read(const InferContext& c, const std::string& prefix, Product* product) {
    product->alpha = c.attr_float((prefix + "alpha").c_str(), 1);
    product->activation_a = c.attr_float((prefix + "activation_a").c_str(), 0);
    product->activation_b = c.attr_float((prefix + "activation_b").c_str(), 0);
    ENGINE_ASSIGN(product->activation, activation_named(c.attr_string((prefix + "activation").c_str(), "")));
    return {};
  }

  static Status check_bias(const InferContext& c, int i, int64_t columns) {
    if (!c.has_input(i) || c.shape(i).elements() == columns) return {};
    return error(Code::InvalidModel, "bias has shape %s for %lld columns", c.shape(i).text().c_str(), (long long)columns);
  }

  static Strided matrix(int64_t rows, int64_t columns) { return strided(Shape{rows, columns}); }

  int64_t between_bytes() const { return round_up(stretch_ * between_ * int64_t(sizeof(float)), int64_t(kAlignment)); }

  ProductTerms first_terms(OpRun& r, int64_t row, char* between) const {
    ProductTerms t;
    t.a = r.in<float>(0) + row * depth_, t.b = r.in<float>(kFirst), t.c = between;
    if (r.has(kFirstBias)) t.column_bias = r.in<float>(kFirstBias);
    return t;
  }

  ProductTerms second_terms(OpRun& r, int64_t row, const char* between) const {
    ProductTerms t;
    t.a = between, t.b = r.in<float>(kSecond), t.c = r.out<float>(0) + row * columns_;
    if (r.has(kSecondBias)) t.column_bias = r.in<float>(kSecondBias);
    if (r.has(kResidual)) t.residual = r.in<float>(kResidual) + row * columns_;
    return t;
  }

  bool run_stretch(OpRun& r, int64_t row, int worker) const {
    const int64_t rows = std::min(stretch_, rows_ - row);
    char* between = r.scratch(worker);
    char* scratch = between + between_bytes();
    return first_.run_rows(r, worker, first_terms(r, row, between), rows, scratch) &&
           second_.run_rows(r, worker, second_terms(r, row, between), rows, scratch);
  }

  Product first_, second_;
  int64_t rows_ = 0, depth_ = 0, between_ = 0, columns_ = 0;
  bool whole_ = false;  // too few stretches for the threads: all rows through the first, then through the second
  int64_t stretch_ = 1, stretches_ = 0;
};

}  // namespace

void op_product_pair(OpTable& t) { t.add<ProductPair>("engine", "ProductPair", 1, 3, 6); }

}  // namespace engine

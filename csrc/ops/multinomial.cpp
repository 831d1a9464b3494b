#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "ops/dtype_attribute.h"
#include "ops/elementwise/convert.h"
#include "ops/random/generator.h"

namespace engine {
namespace {

// Samples of classes whose unnormalised log-probabilities are rows of the input.
class Multinomial final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloats));
    ENGINE_ASSIGN(dtype_, dtype_attribute(c, "dtype", DType::Int32, dtypes::kIndex));
    samples_ = c.attr_int("sample_size", 1);
    if (samples_ < 1) return error(Code::InvalidModel, "sample_size is %lld; it must be positive", (long long)samples_);
    seed_.read(c);
    c.set(0, dtype_);
    if (!c.has_rank(0)) return {};
    const Shape& shape = c.shape(0);
    if (shape.rank() != 2) return error(Code::InvalidModel, "input has shape %s; 2 dimensions are allowed", shape.text().c_str());
    if (shape[1] == 0 && shape[0] != 0) return error(Code::InvalidModel, "input has no classes");
    Shape out{shape[0], samples_};
    if (out.known()) ENGINE_TRY(fits(out));
    c.set(0, dtype_, out);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    load_ = Converter(c.dtype(0), DType::Double);
    int64_t bytes = 0;
    if (!checked_mul(c.shape(0)[1], int64_t(sizeof(double)), &bytes)) return error(Code::InvalidModel, "too many classes");
    c.need_shared_scratch(bytes);
    return {};
  }

  Status run(OpRun& r) const override {
    Generator generator = seed_.generator();
    int64_t batch = r.in(0).shape[0], classes = r.in(0).shape[1];
    double* sums = r.shared_scratch<double>();
    for (int64_t b = 0; b < batch; ++b) {
      ENGINE_TRY(cumulate(r, b, classes, sums));
      ENGINE_TRY(r.parallel(samples_, 30 + 5 * std::log2(double(classes)), [&](int64_t begin, int64_t end, int) {
        for (int64_t s = begin; s < end; ++s) {
          int64_t at = b * samples_ + s;
          double level = generator.uniform(uint64_t(at)) * sums[classes - 1];
          int64_t chosen = std::min<int64_t>(std::upper_bound(sums, sums + classes, level) - sums, classes - 1);
          if (dtype_ == DType::Int32) r.out<int32_t>(0)[at] = int32_t(chosen);
          else r.out<int64_t>(0)[at] = chosen;
        }
      }));
    }
    return {};
  }

 private:
  Status fits(const Shape& out) const {
    ENGINE_ASSIGN([[maybe_unused]] int64_t bytes, checked_bytes(out, dtype_size(dtype_)));
    return {};
  }

  // sums[i] = sum over j <= i of exp(row[j] - max(row)).
  Status cumulate(OpRun& r, int64_t b, int64_t classes, double* sums) const {
    constexpr int64_t kPiece = 4096;
    const Tensor& x = r.in(0);
    double most = -HUGE_VAL, total = 0;
    for (int64_t i = 0; i < classes; i += kPiece) {
      int64_t n = std::min(kPiece, classes - i);
      load_(x.as<char>() + (b * classes + i) * dtype_size(x.dtype), sums + i, n);
      for (int64_t k = i; k < i + n; ++k) most = std::max(most, sums[k]);
      ENGINE_TRY(r.checkpoint());
    }
    for (int64_t i = 0; i < classes; ++i) {
      total += std::exp(sums[i] - most);
      sums[i] = total;
      if (i % kPiece == kPiece - 1) ENGINE_TRY(r.checkpoint());
    }
    if (std::isfinite(total)) return {};
    return error(Code::InvalidInput, "row %lld holds no probabilities: NaN, +inf or nothing but -inf", (long long)b);
  }

  DType dtype_ = DType::Int32;
  int64_t samples_ = 1;
  Seed seed_;
  Converter load_;
};

}  // namespace

void op_multinomial(OpTable& t) {
  for (int since : {7, 22}) t.add<Multinomial>("", "Multinomial", since, 1, 1, 1, 1, kOpRandom);
}

}  // namespace engine

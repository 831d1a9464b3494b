#include <cmath>

#include "base/checked.h"
#include "kernels/elementwise/elementwise.h"
#include "ops/norm/affine.h"

namespace engine {
namespace {

constexpr int64_t kStrip = 512;

void power(float* x, int64_t n, float exponent) {
  binary_kernel(ElementType::f32, BinaryOp::pow, Broadcast::scalar_right)(x, &exponent, x, size_t(n));
}
void power(double* x, int64_t n, float exponent) {
  for (int64_t i = 0; i < n; ++i) x[i] = std::pow(x[i], double(exponent));
}

// x / (bias + alpha / size * (sum of the squares of `size` neighbouring channels)) ^ beta.
class Lrn final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloats));
    size_ = c.attr_int("size", 0);
    if (size_ <= 0) return error(Code::InvalidModel, "size is %lld; it must be positive", (long long)size_);
    alpha_ = c.attr_float("alpha", 1e-4f);
    beta_ = c.attr_float("beta", 0.75f);
    bias_ = c.attr_float("bias", 1.0f);
    c.set(0, c.type(0));
    if (c.has_rank(0) && c.shape(0).rank() < 2)
      return error(Code::InvalidModel, "the input has shape %s; [N, C, ...] is needed", c.shape(0).text().c_str());
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& x = c.shape(0);
    batch_ = x[0];
    channels_ = x[1];
    plane_ = x.elements(2, x.rank());
    copy_ = computed_copy(c.dtype(0), x.elements());
    c.need_shared_scratch(2 * copy_);
    return {};
  }

  Status run(OpRun& r) const override {
    char* scratch = r.shared_scratch();
    return with_computed_floats(r, scratch, [&]<class T>(const T* x, T* y) -> Status {
      if (x != y) return normalise(r, x, y);
      T* wide = reinterpret_cast<T*>(scratch + copy_);
      ENGINE_TRY(normalise(r, x, wide));
      return r.parallel(r.in(0).elements(), 0.3, [&](int64_t begin, int64_t end, int) { std::copy(wide + begin, wide + end, y + begin); });
    });
  }

 private:
  template <class T>
  Status normalise(OpRun& r, const T* x, T* y) const {
    int64_t strips = ceil_div(plane_, kStrip), before = (size_ - 1) / 2, after = size_ - 1 - before;
    double neighbours = double(std::min(size_, channels_));
    return r.parallel(batch_ * channels_ * strips, 20 + double(std::min(plane_, kStrip)) * (10 + neighbours), [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t plane = i / strips, c = plane % channels_, first = i % strips * kStrip, n = std::min(kStrip, plane_ - first);
        int64_t low = c > before ? c - before : 0, high = after >= channels_ - c ? channels_ : c + after + 1;
        T sum[kStrip] = {};
        const T* image = x + (plane - c) * plane_ + first;
        for (int64_t k = low; k < high; ++k)
          for (int64_t j = 0; j < n; ++j) sum[j] += image[k * plane_ + j] * image[k * plane_ + j];
        for (int64_t j = 0; j < n; ++j) sum[j] = T(bias_) + T(alpha_) / T(size_) * sum[j];
        power(sum, n, beta_);
        for (int64_t j = 0; j < n; ++j) y[plane * plane_ + first + j] = image[c * plane_ + j] / sum[j];
      }
    });
  }

  int64_t size_ = 1, batch_ = 0, channels_ = 0, plane_ = 0, copy_ = 0;
  float alpha_ = 1e-4f, beta_ = 0.75f, bias_ = 1.0f;
};

}  // namespace

void op_lrn(OpTable& t) {
  for (int since : {1, 13}) t.add<Lrn>("", "LRN", since, 1, 1);
}

}  // namespace engine

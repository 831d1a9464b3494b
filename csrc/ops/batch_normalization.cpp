#include <cmath>

#include "base/checked.h"
#include "ops/norm/affine.h"

namespace engine {
namespace {

constexpr int64_t kBlock = 16384;

// Y = (X - mean) scale / sqrt(var + epsilon) + B per channel; with training_mode mean and variance are those of X, and the running
// ones move towards them.
class BatchNormalization final : public Op {
 public:
  Status infer(InferContext& c) override {
    for (int i = 0; i < 5; ++i) ENGINE_TRY(c.require(i, dtypes::kFloats));
    epsilon_ = c.attr_float("epsilon", 1e-5f);
    momentum_ = c.attr_float("momentum", 0.9f);
    training_ = c.opset() >= 14 && c.attr_int("training_mode", 0) != 0;
    ENGINE_TRY(refuse_old_training(c));
    c.set(0, c.type(0));
    c.allow_in_place(0, 0);
    for (int o : {1, 2}) c.set(o, c.type(2 + o));
    if (!c.has_rank(0)) return {};
    const Shape& x = c.shape(0);
    if (x.rank() < 1) return error(Code::InvalidModel, "the input is a scalar; [N, C, ...] is needed");
    int64_t channels = x.rank() > 1 ? x[1] : 1;
    if (channels == kUnknownDim) return {};
    for (int i = 1; i < 5; ++i)
      if (c.known(i) && c.shape(i).elements() != channels)
        return error(Code::InvalidModel, "input %d has shape %s; the data has %lld channels", i, c.shape(i).text().c_str(), (long long)channels);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& x = c.shape(0);
    batch_ = x[0];
    channels_ = x.rank() > 1 ? x[1] : 1;
    plane_ = x.rank() > 2 ? x.elements(2, x.rank()) : 1;
    copy_ = computed_copy(c.dtype(0), x.elements());
    int64_t moments = training_ ? (batch_ * plane_parts() + 1) * channels_ * int64_t(sizeof(MeanVariance)) : 0;
    c.need_shared_scratch(copy_ + round_up(3 * channels_ * int64_t(sizeof(double)), 64) + moments);
    return {};
  }

  Status run(OpRun& r) const override {
    if (channels_ == 0) return {};
    char* scratch = r.shared_scratch();
    return with_computed_floats(r, scratch, [&](auto* x, auto* y) { return compute(r, x, y, scratch + copy_); });
  }

 private:
  Status refuse_old_training(const InferContext& c) const {
    if (c.opset() < 9 && c.attr_int("spatial", 1) == 0)
      return error(Code::UnsupportedOperator, "spatial is 0; 1 is supported");
    if (c.opset() < 7 && c.attr_int("is_test", 0) == 0)
      return error(Code::UnsupportedOperator, "is_test is 0; 1 is supported");
    for (int o = 1; o < 5; ++o)
      if (c.has_output(o) && (!training_ || o > 2))
        return error(Code::UnsupportedOperator, "output %d is made in training mode of version 14 and later", o);
    return {};
  }

  int64_t plane_parts() const { return ceil_div(plane_, kBlock); }

  template <class T>
  Status learn(OpRun& r, const T* x, MeanVariance* totals) const {
    int64_t strips = plane_parts();
    MeanVariance* parts = totals + channels_;
    ENGINE_TRY(r.parallel(batch_ * channels_ * strips, 20 + double(std::min(plane_, kBlock)), [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t first = i % strips * kBlock;
        parts[i] = mean_variance(x + i / strips * plane_ + first, std::min(kBlock, plane_ - first));
      }
    }));
    return r.parallel(channels_, 5 * double(batch_ * strips), [&](int64_t begin, int64_t end, int) {
      for (int64_t c = begin; c < end; ++c) {
        totals[c] = {};
        for (int64_t n = 0; n < batch_; ++n)
          for (int64_t s = 0; s < strips; ++s) totals[c].merge(parts[(n * channels_ + c) * strips + s]);
      }
    });
  }

  void update(OpRun& r, int o, int i, int64_t channel, double value) const {
    if (!r.wants(o)) return;
    double moved = number_at(r.in(i), channel) * double(momentum_) + value * (1 - double(momentum_));
    Converter(DType::Double, r.out(o).dtype)(&moved, r.out<char>(o) + channel * dtype_size(r.out(o).dtype), 1);
  }

  template <class T>
  Status compute(OpRun& r, const T* x, T* y, char* scratch) const {
    T *mean = reinterpret_cast<T*>(scratch), *scale = mean + channels_, *shift = scale + channels_;
    auto* totals = reinterpret_cast<MeanVariance*>(scratch + round_up(3 * channels_ * int64_t(sizeof(double)), 64));
    if (training_) ENGINE_TRY(learn(r, x, totals));
    for (int64_t c = 0; c < channels_; ++c) {
      double m = training_ ? totals[c].mean : number_at(r.in(3), c);
      double variance = training_ ? totals[c].variance() : number_at(r.in(4), c);
      if (training_) {
        update(r, 1, 3, c, m);
        update(r, 2, 4, c, variance);
      }
      mean[c] = T(m);
      scale[c] = T(number_at(r.in(1), c) / std::sqrt(variance + double(epsilon_)));
      shift[c] = T(number_at(r.in(2), c));
    }
    return plane_ == 1 ? rows(r, x, y, mean, scale, shift) : planes(r, x, y, mean, scale, shift);
  }

  template <class T>
  Status rows(OpRun& r, const T* x, T* y, const T* mean, const T* scale, const T* shift) const {
    return r.parallel(batch_, 5 + 0.3 * double(channels_) * double(sizeof(T)) / 4, [&](int64_t begin, int64_t end, int) {
      if constexpr (std::is_same_v<T, float>) {
        int64_t at = begin * channels_;
        norm_kernels().scale_shift_last({x + at, y + at, size_t(channels_), size_t(end - begin), mean, scale, shift});
      } else {
        for (int64_t i = begin * channels_; i < end * channels_; ++i) {
          int64_t c = i % channels_;
          y[i] = (x[i] - mean[c]) * scale[c] + shift[c];
        }
      }
    });
  }

  template <class T>
  Status planes(OpRun& r, const T* x, T* y, const T* mean, const T* scale, const T* shift) const {
    int64_t strips = plane_parts();
    double ns = 10 + 0.2 * double(std::min(plane_, kBlock)) * double(sizeof(T)) / 4;
    return r.parallel(batch_ * channels_ * strips, ns, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t plane = i / strips, c = plane % channels_, first = i % strips * kBlock, at = plane * plane_ + first;
        affine(x + at, y + at, std::min(kBlock, plane_ - first), double(mean[c]), double(scale[c]), double(shift[c]));
      }
    });
  }

  float epsilon_ = 1e-5f, momentum_ = 0.9f;
  bool training_ = false;
  int64_t batch_ = 0, channels_ = 0, plane_ = 1, copy_ = 0;
};

}  // namespace

void op_batch_normalization(OpTable& t) {
  for (int since : {1, 6, 7, 9}) t.add<BatchNormalization>("", "BatchNormalization", since, 5, 5, 1, 5);
  for (int since : {14, 15}) t.add<BatchNormalization>("", "BatchNormalization", since, 5, 5, 1, 3);
}

}  // namespace engine

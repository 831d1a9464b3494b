#include <algorithm>

#include "base/checked.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr int64_t kChannels = 64;       // that a tile sums
constexpr int64_t kPixels = 8192;       // summed between looks at the clock; their sums fit into uint32

// GlobalAveragePool of DequantizeLinear: (mean of x over the spatial dimensions - zero) * scale, of bytes; one scale and zero
// point. With channels_last data and result are [n, spatial..., channel].
class DequantizedMean final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtype_set(DType::Uint8, DType::Int8)));
    ENGINE_TRY(c.require(1, dtypes::kFloat32));
    ENGINE_TRY(c.require_same(0, 2));
    last_ = c.attr_int("channels_last", 0) != 0;
    c.set(0, DType::Float);
    if (!c.known(0)) return {};
    const Shape& x = c.shape(0);
    if (x.rank() < 3) return error(Code::InvalidModel, "the data have %d dimensions; at least 3 are wanted", x.rank());
    const int channel = last_ ? x.rank() - 1 : 1;
    Shape out = Shape::filled(x.rank(), 1);
    out[0] = images_ = x[0], out[channel] = channels_ = x[channel];
    pixels_ = last_ ? x.elements(1, x.rank() - 1) : x.elements(2, x.rank());
    c.set(0, DType::Float, out);
    return {};
  }

  Status run(OpRun& r) const override {
    const float scale = *r.in<float>(1), zero = float(integer_at(r.in(2), 0));
    const int64_t blocks = ceil_div(channels_, kChannels);
    const uint8_t flip = r.in(0).dtype == DType::Int8 ? 128 : 0;
    const float offset = zero + float(flip);
    return r.parallel(images_ * blocks, double(pixels_ * std::min(kChannels, channels_)) * 0.1, [&](int64_t begin, int64_t end, int worker) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t image = i / blocks, first = i % blocks * kChannels, count = std::min(kChannels, channels_ - first);
        int64_t sums[kChannels] = {};
        const uint8_t* x = r.in<uint8_t>(0) + image * channels_ * pixels_;
        const bool whole = within_item(r, worker, pixels_, kPixels, [&](int64_t from, int64_t to) {
          if (last_) sum_pixels(x + from * channels_ + first, to - from, count, flip, sums);
          else sum_planes(x + first * pixels_ + from, to - from, count, flip, sums);
        });
        if (!whole) return;
        for (int64_t j = 0; j < count; ++j)
          r.out<float>(0)[image * channels_ + first + j] = float(double(sums[j]) / double(pixels_) - double(offset)) * scale;
      }
    });
  }

 private:
  void sum_pixels(const uint8_t* x, int64_t pixels, int64_t count, uint8_t flip, int64_t* sums) const {
    uint32_t part[kChannels] = {};
    for (int64_t p = 0; p < pixels; ++p)
      for (int64_t j = 0; j < count; ++j) part[j] += uint8_t(x[p * channels_ + j] ^ flip);
    for (int64_t j = 0; j < count; ++j) sums[j] += part[j];
  }
  void sum_planes(const uint8_t* x, int64_t pixels, int64_t count, uint8_t flip, int64_t* sums) const {
    for (int64_t j = 0; j < count; ++j)
      for (int64_t p = 0; p < pixels; ++p) sums[j] += uint8_t(x[j * pixels_ + p] ^ flip);
  }

  bool last_ = false;
  int64_t images_ = 0, channels_ = 0, pixels_ = 0;
};

}  // namespace

void op_dequantized_mean(OpTable& t) { t.add<DequantizedMean>("engine", "DequantizedMean", 1, 3, 3); }

}  // namespace engine

// DeformConv with two spatial dimensions: every kernel element reads the data at an offset of its own, bilinearly.
#include <cmath>

#include "base/checked.h"
#include "ops/conv/conv_shape_of.h"

namespace engine {
namespace {

constexpr int kOffset = 2, kBias = 3, kMask = 4;

class DeformConv final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloats));
    bool known = true;
    for (int i = 0; i <= kMask; ++i) {
      if (i > kOffset && !c.has_input(i)) continue;
      ENGINE_TRY(c.require_same(0, i));
      known = known && c.known(i);
    }
    c.set(0, c.dtype(0));
    if (!known) return {};
    const Shape& x = c.shape(0);
    if (x.rank() != 4) return error(Code::UnsupportedOperator, "data of %d dimensions; 4 are supported", x.rank());
    Shape output;
    ENGINE_TRY(conv_shape_of(c, x, 1, false, c.has_input(kBias) ? kBias : -1, &shape_, &output));
    offset_groups_ = c.attr_int("offset_group", 1);
    if (offset_groups_ < 1 || x[1] % offset_groups_)
      return error(Code::InvalidModel, "offset_group is %lld for %lld channels", (long long)offset_groups_, (long long)x[1]);
    ENGINE_TRY(check_map(c, kOffset, 2, output));
    if (c.has_input(kMask)) ENGINE_TRY(check_map(c, kMask, 1, output));
    c.set(0, c.dtype(0), output);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    c.need_scratch(round_up(shape_.c_in * shape_.taps() * int64_t(sizeof(double)), int64_t(kAlignment)));
    return {};
  }

  Status run(OpRun& r) const override {
    double column = double(shape_.c_in * shape_.taps());
    double ns = column * 6 + column * double(shape_.group_out()) * 0.8 + 20;
    return r.parallel(shape_.n * shape_.out_pixels(), ns, [&](int64_t begin, int64_t end, int worker) {
      switch (r.in(0).dtype) {
        case DType::Double: return run_range<double, double>(r, begin, end, r.scratch<double>(worker));
        case DType::Float: return run_range<float, float>(r, begin, end, r.scratch<float>(worker));
        case DType::Float16: return run_range<Half, float>(r, begin, end, r.scratch<float>(worker));
        default: return run_range<BFloat16, float>(r, begin, end, r.scratch<float>(worker));
      }
    });
  }

 private:
  // Offsets and masks have `parts` channels for each kernel element of each offset group, at every output pixel.
  Status check_map(const InferContext& c, int i, int64_t parts, const Shape& output) const {
    const Shape& s = c.shape(i);
    Shape want{output[0], offset_groups_ * shape_.taps() * parts, output[2], output[3]};
    if (s == want) return {};
    return error(Code::InvalidModel, "input %d has shape %s; %s is wanted", i, s.text().c_str(), want.text().c_str());
  }

  // Bilinear, zero outside.
  template <class T, class A>
  A sample(const T* plane, A h, A w) const {
    int64_t height = shape_.in[1], width = shape_.in[2];
    if (!(h > A(-1) && w > A(-1) && h < A(height) && w < A(width))) return 0;
    int64_t top = int64_t(std::floor(h)), left = int64_t(std::floor(w));
    A down = h - A(top), right = w - A(left), sum = 0;
    auto corner = [&](int64_t y, int64_t x, A weight) {
      if (y >= 0 && y < height && x >= 0 && x < width) sum += weight * A(plane[y * width + x]);
    };
    corner(top, left, (1 - down) * (1 - right));
    corner(top, left + 1, (1 - down) * right);
    corner(top + 1, left, down * (1 - right));
    corner(top + 1, left + 1, down * right);
    return sum;
  }

  // column[channel * taps + tap]: what output pixel `pixel` of an image sees.
  template <class T, class A>
  void gather(const T* x, const T* offset, const T* mask, int64_t pixel, A* column) const {
    const ConvShape& s = shape_;
    const int64_t taps = s.taps(), pixels = s.out_pixels(), group = s.c_in / offset_groups_;
    for (int64_t g = 0; g < offset_groups_; ++g)
      for (int64_t tap = 0; tap < taps; ++tap) {
        const T* at = offset + (g * taps + tap) * 2 * pixels + pixel;
        A h = A(pixel / s.out[2] * s.stride[1] - s.pad_begin[1] + tap / s.kernel[2] * s.dilation[1]) + A(at[0]);
        A w = A(pixel % s.out[2] * s.stride[2] - s.pad_begin[2] + tap % s.kernel[2] * s.dilation[2]) + A(at[pixels]);
        A factor = mask ? A(mask[(g * taps + tap) * pixels + pixel]) : A(1);
        for (int64_t c = g * group; c < (g + 1) * group; ++c) column[c * taps + tap] = factor * sample<T, A>(x + c * s.in_pixels(), h, w);
      }
  }

  template <class T, class A>
  void run_range(OpRun& r, int64_t begin, int64_t end, A* column) const {
    const ConvShape& s = shape_;
    const int64_t taps = s.taps(), pixels = s.out_pixels(), k = s.group_in() * taps;
    const T* bias = r.has(kBias) ? r.in<T>(kBias) : nullptr;
    for (int64_t i = begin; i < end; ++i) {
      int64_t image = i / pixels, pixel = i % pixels;
      const T* offset = r.in<T>(kOffset) + image * offset_groups_ * taps * 2 * pixels;
      const T* mask = r.has(kMask) ? r.in<T>(kMask) + image * offset_groups_ * taps * pixels : nullptr;
      gather<T, A>(r.in<T>(0) + image * s.c_in * s.in_pixels(), offset, mask, pixel, column);
      for (int64_t m = 0; m < s.c_out; ++m) {
        const T* w = r.in<T>(1) + m * k;
        const A* from = column + m / s.group_out() * k;
        A sum = bias ? A(bias[m]) : A(0);
        for (int64_t j = 0; j < k; ++j) sum += from[j] * A(w[j]);
        r.out<T>(0)[(image * s.c_out + m) * pixels + pixel] = T(sum);
      }
    }
  }

  ConvShape shape_;
  int64_t offset_groups_ = 1;
};

}  // namespace

void op_deform_conv(OpTable& t) {
  for (int since : {19, 22}) t.add<DeformConv>("", "DeformConv", since, 3, 5);
}

}  // namespace engine

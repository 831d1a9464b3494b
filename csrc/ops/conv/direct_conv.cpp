#include "ops/conv/direct_conv.h"

#include "ops/pieces.h"

namespace engine {
namespace {

constexpr double kNsPerProduct = 1.5;
constexpr int64_t kProductsBetweenChecks = 32768;

// The input position under output position o and kernel position k in dimension d, or -1.
int64_t source(const ConvShape& s, int d, int64_t o, int64_t k) {
  int64_t i = s.transposed ? o + s.pad_begin[d] - k * s.dilation[d] : o * s.stride[d] - s.pad_begin[d] + k * s.dilation[d];
  if (s.transposed) {
    if (i < 0 || i % s.stride[d]) return -1;
    i /= s.stride[d];
  }
  return i >= 0 && i < s.in[d] ? i : -1;
}

// Asks go() now and then; what it returns when that said no is not used.
template <class Go>
double sum_of(const ConvShape& s, const double* x, const double* w, int64_t channel_step, const int64_t* out, Go&& go) {
  double sum = 0;
  int64_t products = 0;
  for (int64_t kd = 0; kd < s.kernel[0]; ++kd) {
    int64_t d = source(s, 0, out[0], kd);
    if (d < 0) continue;
    for (int64_t kh = 0; kh < s.kernel[1]; ++kh) {
      int64_t h = source(s, 1, out[1], kh);
      if (h < 0) continue;
      for (int64_t kw = 0; kw < s.kernel[2]; ++kw) {
        int64_t c = source(s, 2, out[2], kw);
        if (c < 0) continue;
        const double* from = x + (d * s.in[1] + h) * s.in[2] + c;
        const double* weight = w + (kd * s.kernel[1] + kh) * s.kernel[2] + kw;
        for (int64_t i = 0; i < s.group_in(); ++i) sum += from[i * s.in_pixels()] * weight[i * channel_step];
        if ((products += s.group_in()) < kProductsBetweenChecks) continue;
        products = 0;
        if (!go()) return sum;
      }
    }
  }
  return sum;
}

}  // namespace

Status run_direct_conv(OpRun& r, const ConvShape& s, const double* x, const double* w, const double* bias, double* y) {
  int64_t pixels = s.out_pixels(), taps = s.taps();
  double ns = double(s.group_in() * taps) * kNsPerProduct + 10;
  return r.parallel(s.n * s.c_out * pixels, ns, [&](int64_t begin, int64_t end, int worker) {
    bool going = true;
    auto go = [&] { return going = goes_on(r, worker); };
    for (int64_t i = begin; i < end && going; ++i) {
      int64_t image = i / pixels / s.c_out, channel = i / pixels % s.c_out, pixel = i % pixels;
      int64_t group = channel / s.group_out(), first = group * s.group_in();
      int64_t at[] = {pixel / (s.out[1] * s.out[2]), pixel / s.out[2] % s.out[1], pixel % s.out[2]};
      const double* weight = s.transposed ? w + (first * s.group_out() + channel % s.group_out()) * taps : w + channel * s.group_in() * taps;
      const double* from = x + (image * s.c_in + first) * s.in_pixels();
      y[i] = sum_of(s, from, weight, s.transposed ? s.group_out() * taps : taps, at, go) + (bias ? bias[channel] : 0.0);
    }
  });
}

}  // namespace engine

#include "kernels/conv/reference.h"

namespace engine {
namespace {

// The input position that output position `o` reads through kernel position `k`; -1 when there is none.
int64_t source(const ConvShape& s, int d, int64_t o, int64_t k) {
  int64_t i;
  if (s.transposed) {
    int64_t scaled = o + s.pad_begin[d] - k * s.dilation[d];
    if (scaled < 0 || scaled % s.stride[d] != 0) return -1;
    i = scaled / s.stride[d];
  } else {
    i = o * s.stride[d] - s.pad_begin[d] + k * s.dilation[d];
  }
  return i >= 0 && i < s.in[d] ? i : -1;
}

// Where weight[co, ci, 0, 0, 0] lies; ci counts within the group.
int64_t weight_at(const ConvShape& s, int64_t co, int64_t ci) {
  if (!s.transposed) return (co * s.group_in() + ci) * s.taps();
  int64_t group = co / s.group_out();
  return ((group * s.group_in() + ci) * s.group_out() + co % s.group_out()) * s.taps();
}

double filter(const ConvShape& s, const float* plane, const float* weight, const int64_t (&o)[3]) {
  double sum = 0;
  for (int64_t kd = 0; kd < s.kernel[0]; ++kd)
    for (int64_t kh = 0; kh < s.kernel[1]; ++kh)
      for (int64_t kw = 0; kw < s.kernel[2]; ++kw) {
        int64_t d = source(s, 0, o[0], kd), h = source(s, 1, o[1], kh), w = source(s, 2, o[2], kw);
        if (d < 0 || h < 0 || w < 0) continue;
        sum += double(plane[(d * s.in[1] + h) * s.in[2] + w]) * weight[(kd * s.kernel[1] + kh) * s.kernel[2] + kw];
      }
  return sum;
}

}  // namespace

void conv_reference(const ConvShape& s, const float* input, const float* weight, const float* bias,
                    const float* residual, Activation activation, float alpha, float beta, float* output) {
  int64_t at = 0;
  for (int64_t n = 0; n < s.n; ++n)
    for (int64_t co = 0; co < s.c_out; ++co)
      for (int64_t d = 0; d < s.out[0]; ++d)
        for (int64_t h = 0; h < s.out[1]; ++h)
          for (int64_t w = 0; w < s.out[2]; ++w, ++at) {
            double sum = bias ? bias[co] : 0.0;
            int64_t first = n * s.c_in + co / s.group_out() * s.group_in();
            for (int64_t ci = 0; ci < s.group_in(); ++ci)
              sum += filter(s, input + (first + ci) * s.in_pixels(), weight + weight_at(s, co, ci), {d, h, w});
            if (residual) sum += residual[at];
            output[at] = activate(activation, float(sum), alpha, beta);
          }
}

}  // namespace engine

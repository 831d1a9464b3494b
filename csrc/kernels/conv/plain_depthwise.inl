// The depthwise convolution of plain tensors: vectors run along the output row. REQUIRES: as accumulate.inl.
//
// The input rows that an output row reads are first laid out by phase: phase f of a row holds its elements
// f, f + stride, f + 2 * stride ... (counted from the first element that any tap reads, zero outside the input), so that
// every tap is a run of neighbours whatever the stride, the dilation and the padding.
#pragma once

#include "kernels/conv/epilogue.inl"

namespace engine {
namespace ENGINE_TIER {

static int64_t phase_length(const ConvRows& r) {
  const int64_t reach = (r.kernel[2] - 1) * r.dilation[2] / r.stride[2];
  return (r.out[2] + reach + Block::size) / Block::size * Block::size + Block::size;
}

static void lay_out_row(const ConvRows& r, const float* row, int64_t length, float* dst) {
  const int64_t stride = r.stride[2], span = (r.kernel[2] - 1) * r.dilation[2];
  for (int64_t f = 0; f < stride && f <= span; ++f, dst += length) {
    const int64_t first = f - r.pad_begin[2];
    int64_t lo = first >= 0 ? 0 : (-first + stride - 1) / stride;
    int64_t hi = r.in[2] > first ? (r.in[2] - 1 - first) / stride + 1 : 0;
    hi = hi < length ? hi : length;
    lo = lo < hi ? lo : hi;
    for (int64_t j = 0; j < lo; ++j) dst[j] = 0.0f;
    const float* src = row + first;
    if (stride == 1)
      for (int64_t j = lo; j < hi; ++j) dst[j] = src[j];
    else
      for (int64_t j = lo; j < hi; ++j) dst[j] = src[j * stride];
    for (int64_t j = hi; j < length; ++j) dst[j] = 0.0f;
  }
}

// sum[i] += the taps of one kernel row for the `N` blocks of columns from `column`.
template <int N>
ENGINE_INLINE void add_kernel_row(const ConvRows& r, const float* laid, int64_t length, const float* weights,
                                  int64_t column, Block (&sum)[N]) {
  for (int64_t kw = 0; kw < r.kernel[2]; ++kw) {
    const int64_t offset = kw * r.dilation[2];
    const float* x = laid + offset % r.stride[2] * length + offset / r.stride[2] + column;
    const Block w = broadcast(weights[kw]);
    for (int i = 0; i < N; ++i) sum[i] = fma(sum[i], load(x + i * Block::size), w);
  }
}

template <int N>
ENGINE_INLINE void plain_depthwise_columns(const ConvPlainDepthwiseJob& job, const Finish& finish, int64_t live_rows,
                                           const int64_t* kernel_rows, int64_t length, int64_t row_floats,
                                           int64_t out_at, int64_t column) {
  const ConvRows& r = *job.rows;
  Block sum[N];
  for (int i = 0; i < N; ++i) sum[i] = broadcast(job.bias);
  for (int64_t k = 0; k < live_rows; ++k)
    add_kernel_row(r, job.scratch + k * row_floats, length, job.weights + kernel_rows[k] * r.kernel[2], column, sum);
  for (int i = 0; i < N; ++i) {
    const int64_t left = r.out[2] - column - i * Block::size;
    if (left <= 0) break;
    const int n = left < Block::size ? int(left) : Block::size;
    const int64_t at = out_at + column + i * Block::size;
    Block y = sum[i];
    if (job.residual) y = add(y, load_first(job.residual + at, n));
    store_first(job.output + at, clamp(finish, y), n);
  }
}

static void plain_depthwise_row(const ConvPlainDepthwiseJob& job, const Finish& finish, int64_t row) {
  const ConvRows& r = *job.rows;
  const int64_t length = phase_length(r);
  const int64_t span = (r.kernel[2] - 1) * r.dilation[2] + 1;
  const int64_t row_floats = length * (r.stride[2] < span ? r.stride[2] : span);
  int64_t* kernel_rows = job.kernel_rows;
  int64_t live = 0;
  for (int64_t kd = 0; kd < r.kernel[0]; ++kd)
    for (int64_t kh = 0; kh < r.kernel[1]; ++kh) {
      const int64_t d = row / r.out[1] * r.stride[0] - r.pad_begin[0] + kd * r.dilation[0];
      const int64_t h = row % r.out[1] * r.stride[1] - r.pad_begin[1] + kh * r.dilation[1];
      if (d < 0 || d >= r.in[0] || h < 0 || h >= r.in[1]) continue;
      lay_out_row(r, job.input + (d * r.in[1] + h) * r.in[2], length, job.scratch + live * row_floats);
      kernel_rows[live++] = kd * r.kernel[1] + kh;
    }
  const int64_t out_at = row * r.out[2];
  int64_t column = 0;
  for (; column + 3 * Block::size < r.out[2]; column += 4 * Block::size)
    plain_depthwise_columns<4>(job, finish, live, kernel_rows, length, row_floats, out_at, column);
  for (; column < r.out[2]; column += Block::size)
    plain_depthwise_columns<1>(job, finish, live, kernel_rows, length, row_floats, out_at, column);
  if (job.finish.curve) apply_curve(job.finish, job.output + out_at, size_t(r.out[2]));
}

static void plain_depthwise(const ConvPlainDepthwiseJob& job) {
  const Finish finish = make_finish(job.finish);
  for (int64_t row = job.begin; row < job.end; ++row) plain_depthwise_row(job, finish, row);
}

}  // namespace ENGINE_TIER
}  // namespace engine

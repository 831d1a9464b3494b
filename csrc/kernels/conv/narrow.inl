// The dense convolution of plain tensors into few channels: vectors run along the output row, a handful of output channels
// are summed together. REQUIRES: as accumulate.inl.
#pragma once

#include "kernels/conv/plain_depthwise.inl"

namespace engine {
namespace ENGINE_TIER {

// Blocks of columns that are summed together for four, and for fewer, output channels.
constexpr int kNarrowBlocks = Block::registers / Block::parts == 32 ? 6 : 3;

// What one output row reads: laid[i] is the first channel's row under kernel row i, null outside the input.
struct NarrowRow {
  const float* const* laid;
  int64_t channel_step;   // floats between the laid rows of neighbouring channels
  const int64_t* offset;  // of each kernel column in a laid row
  int64_t out_at;         // first output element
};

template <int R, int C>
ENGINE_INLINE void narrow_columns(const ConvNarrowJob& job, const ConvRows& r, const Finish& finish, const NarrowRow& row,
                                  int64_t tile, int64_t column) {
  constexpr int b = Block::size;
  Block sum[R][C];
  Repeat<R>::run([&](auto i) ENGINE_INLINE_LAMBDA {
    const Block bias = broadcast(job.bias[tile * R + i.value]);
    Repeat<C>::run([&](auto k) ENGINE_INLINE_LAMBDA { sum[i.value][k.value] = bias; });
  });
  const float* w = job.weights + tile * R * job.channels * r.kernel[1] * r.kernel[2];
  for (int64_t c = 0; c < job.channels; ++c)
    for (int64_t kh = 0; kh < r.kernel[1]; ++kh, w += r.kernel[2] * R) {
      if (!row.laid[kh]) continue;
      const float* x = row.laid[kh] + c * row.channel_step + column;
      for (int64_t kw = 0; kw < r.kernel[2]; ++kw) {
        const float* from = x + row.offset[kw];
        Block in[C];
        Repeat<C>::run([&](auto k) ENGINE_INLINE_LAMBDA { in[k.value] = load(from + k.value * b); });
        Repeat<R>::run([&](auto i) ENGINE_INLINE_LAMBDA {
          const Block weight = broadcast(w[kw * R + i.value]);
          Repeat<C>::run([&](auto k) ENGINE_INLINE_LAMBDA {
            sum[i.value][k.value] = fma(sum[i.value][k.value], in[k.value], weight);
          });
        });
      }
    }
  const int64_t plane = job.rows->out[1] * job.rows->out[2];
  Repeat<R>::run([&](auto i) ENGINE_INLINE_LAMBDA {
    if (tile * R + i.value >= job.out_channels) return;
    Repeat<C>::run([&](auto k) ENGINE_INLINE_LAMBDA {
      const int64_t left = r.out[2] - column - k.value * b;
      if (left <= 0) return;
      const int n = left < b ? int(left) : b;
      const int64_t at = (tile * R + i.value) * plane + row.out_at + column + k.value * b;
      Block y = sum[i.value][k.value];
      if (job.residual) y = add(y, load_first(job.residual + at, n));
      store_first(job.output + at, clamp(finish, y), n);
    });
  });
}

template <int R>
void narrow_row(const ConvNarrowJob& job, const ConvRows& r, const Finish& finish, const NarrowRow& row) {
  constexpr int b = Block::size, C = kNarrowBlocks;
  for (int64_t tile = 0; tile * R < job.out_channels; ++tile) {
    int64_t column = 0;
    for (; r.out[2] - column > C / 2 * b; column += C * b) narrow_columns<R, C>(job, r, finish, row, tile, column);
    for (; column < r.out[2]; column += b) narrow_columns<R, 1>(job, r, finish, row, tile, column);
  }
  const int64_t plane = job.rows->out[1] * job.rows->out[2];
  for (int64_t o = 0; job.finish.curve && o < job.out_channels; ++o)
    apply_curve(job.finish, job.output + o * plane + row.out_at, size_t(r.out[2]));
}

// The columns of the job as a convolution of their own.
static ConvRows narrow_part(const ConvNarrowJob& job) {
  ConvRows r = *job.rows;
  r.out[2] = job.column_end - job.column_begin;
  r.pad_begin[2] -= job.column_begin * r.stride[2];
  return r;
}

static void narrow(const ConvNarrowJob& job) {
  const ConvRows r = narrow_part(job);
  const Finish finish = make_finish(job.finish);
  const int64_t length = phase_length(r), span = (r.kernel[2] - 1) * r.dilation[2] + 1;
  const int64_t row_floats = length * (r.stride[2] < span ? r.stride[2] : span);
  const int64_t first = job.row_begin * r.stride[1] - r.pad_begin[1];
  const int64_t rows = (job.row_end - 1 - job.row_begin) * r.stride[1] + (r.kernel[1] - 1) * r.dilation[1] + 1;
  for (int64_t c = 0; c < job.channels; ++c)
    for (int64_t i = 0; i < rows; ++i)
      if (first + i >= 0 && first + i < r.in[1])
        lay_out_row(r, job.input + (c * r.in[1] + first + i) * r.in[2], length, job.scratch + (c * rows + i) * row_floats);
  for (int64_t kw = 0; kw < r.kernel[2]; ++kw) {
    const int64_t offset = kw * r.dilation[2];
    job.offsets[kw] = offset % r.stride[2] * length + offset / r.stride[2];
  }
  for (int64_t row = job.row_begin; row < job.row_end; ++row) {
    for (int64_t kh = 0; kh < r.kernel[1]; ++kh) {
      const int64_t i = (row - job.row_begin) * r.stride[1] + kh * r.dilation[1];
      job.laid[kh] = first + i >= 0 && first + i < r.in[1] ? job.scratch + i * row_floats : nullptr;
    }
    const NarrowRow at{job.laid, rows * row_floats, job.offsets, row * job.rows->out[2] + job.column_begin};
    if (job.tile_rows == 4) narrow_row<4>(job, r, finish, at);
    if (job.tile_rows == 2) narrow_row<2>(job, r, finish, at);
    if (job.tile_rows == 1) narrow_row<1>(job, r, finish, at);
  }
}

}  // namespace ENGINE_TIER
}  // namespace engine

// Pooling of plain tensors: rows are reduced over depth and height into a scratch row first, then over width.
// REQUIRES: as reducers.inl.
#pragma once

#include "kernels/pool/reducers.inl"

namespace engine {
namespace ENGINE_TIER {

template <class R>
ENGINE_INLINE void join_row(float* acc, const float* x, int64_t n) {
  int64_t i = 0;
  for (; i + Block::size <= n; i += Block::size) store(acc + i, R::join(load(acc + i), load(x + i)));
  for (; i < n; ++i) acc[i] = R::join(acc[i], x[i]);
}

// line[j] = the reduction over depth and height of input column first + j, neutral outside the input; j < length.
template <class R>
void pool_line(const PoolJob& job, const PoolRow& row, int64_t first, int64_t length, float* line) {
  const PoolShape& s = *job.shape;
  const int64_t from = first > 0 ? first : 0, to = first + length < s.in[2] ? first + length : s.in[2];
  for (int64_t j = 0; j < length; ++j) line[j] = R::neutral();
  if (from >= to) return;
  for (int64_t kd = 0; kd < row.d.count; ++kd)
    for (int64_t kh = 0; kh < row.h.count; ++kh) {
      const int64_t d = row.d.begin + kd * s.dilation[0], h = row.h.begin + kh * s.dilation[1];
      join_row<R>(line + from - first, job.input + (d * s.in[1] + h) * s.in[2] + from, to - from);
    }
}

// In place: line[j] = the reduction of line[j + kw * dilation], for every j that an output column may begin at.
template <class R>
void pool_along(const PoolShape& s, int64_t starts, float* line) {
  for (int64_t j = 0; j < starts; j += Block::size) {
    Block acc = load(line + j);
    for (int64_t kw = 1; kw < s.kernel[2]; ++kw) acc = R::join(acc, load(line + j + kw * s.dilation[2]));
    store(line + j, acc);
  }
}

template <class R>
void pool_plain(const PoolJob& job) {
  const PoolShape& s = *job.shape;
  const int64_t columns = job.column_end - job.column_begin, starts = (columns - 1) * s.stride[2] + 1;
  const int64_t length = pool_scratch_floats(s, columns, Block::size), first = job.column_begin * s.stride[2] - s.pad_begin[2];
  for (int64_t r = job.begin; r < job.end; ++r) {
    const PoolRow row = pool_row(s, r);
    pool_line<R>(job, row, first, length, job.scratch);
    pool_along<R>(s, starts, job.scratch);
    float* y = job.output + r * s.out[2] + job.column_begin;
    for (int64_t o = 0; o < columns; ++o)
      y[o] = R::finish(job.scratch[o * s.stride[2]], row.divisor(job, job.columns[job.column_begin + o]));
  }
}

template <class R>
void global_plain(const float* x, int64_t pixels, float* y) {
  constexpr int b = Block::size;
  Block acc[4];
  for (int i = 0; i < 4; ++i) acc[i] = broadcast(R::neutral());
  int64_t p = 0;
  for (; p + 4 * b <= pixels; p += 4 * b)
    for (int i = 0; i < 4; ++i) acc[i] = R::join(acc[i], load(x + p + i * b));
  for (; p + b <= pixels; p += b) acc[0] = R::join(acc[0], load(x + p));
  float lanes[b];
  store(lanes, R::join(R::join(acc[0], acc[1]), R::join(acc[2], acc[3])));
  float all = R::neutral();
  for (int i = 0; i < b; ++i) all = R::join(all, lanes[i]);
  for (; p < pixels; ++p) all = R::join(all, x[p]);
  *y = R::finish(all, pixels);
}

}  // namespace ENGINE_TIER
}  // namespace engine

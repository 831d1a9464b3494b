// Pooling in the blocked layout. REQUIRES: as reducers.inl.
#pragma once

#include "kernels/pool/reducers.inl"

namespace engine {
namespace ENGINE_TIER {

template <class R>
ENGINE_INLINE Block pool_pixel(const PoolJob& job, const PoolRow& row, const PoolWindow& column) {
  const PoolShape& s = *job.shape;
  const int64_t step = s.dilation[2] * Block::size;
  Block acc = broadcast(R::neutral());
  for (int64_t kd = 0; kd < row.d.count; ++kd)
    for (int64_t kh = 0; kh < row.h.count; ++kh) {
      const int64_t d = row.d.begin + kd * s.dilation[0], h = row.h.begin + kh * s.dilation[1];
      const float* x = job.input + ((d * s.in[1] + h) * s.in[2] + column.begin) * Block::size;
      for (int64_t kw = 0; kw < column.count; ++kw, x += step) acc = R::join(acc, load(x));
    }
  return R::finish(acc, row.divisor(job, column));
}

template <class R>
void pool_blocked(const PoolJob& job) {
  const PoolShape& s = *job.shape;
  for (int64_t r = job.begin; r < job.end; ++r) {
    const PoolRow row = pool_row(s, r);
    float* y = job.output + r * s.out[2] * Block::size;
    for (int64_t o = 0; o < s.out[2]; ++o)
      store(y + o * Block::size, first_lanes(pool_pixel<R>(job, row, job.columns[o]), job.real_lanes));
  }
}

template <class R>
void global_blocked(const float* x, int64_t pixels, int real_lanes, float* y) {
  constexpr int b = Block::size;
  Block acc[4];
  for (int i = 0; i < 4; ++i) acc[i] = broadcast(R::neutral());
  int64_t p = 0;
  for (; p + 4 <= pixels; p += 4)
    for (int i = 0; i < 4; ++i) acc[i] = R::join(acc[i], load(x + (p + i) * b));
  for (; p < pixels; ++p) acc[0] = R::join(acc[0], load(x + p * b));
  const Block all = R::join(R::join(acc[0], acc[1]), R::join(acc[2], acc[3]));
  store(y, first_lanes(R::finish(all, pixels), real_lanes));
}

}  // namespace ENGINE_TIER
}  // namespace engine

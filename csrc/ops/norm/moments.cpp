#include "ops/norm/moments.h"

#include <cmath>

#include "base/checked.h"
#include "kernels/norm/norm.h"
#include "kernels/reduce/reduce.h"

namespace engine {
namespace {

constexpr int64_t kBlock = 4 * int64_t(kNormBlock);

}  // namespace

int64_t long_moments_scratch(int64_t rows, int64_t n) { return 2 * rows * (1 + ceil_div(n, kBlock)) * int64_t(sizeof(float)); }

LongMoments::LongMoments(float* scratch, int64_t rows, int64_t n) : rows_(rows), n_(n), blocks_(ceil_div(n, kBlock)) {
  mean_ = scratch;
  inv_std_ = mean_ + rows;
  block_mean_ = inv_std_ + rows;
  block_square_ = block_mean_ + rows * blocks_;
}

void LongMoments::merge(int64_t row, float epsilon, bool center) {
  const float *means = block_mean_ + row * blocks_, *squares = block_square_ + row * blocks_;
  double count = 0, mean = 0, m2 = 0;
  for (int64_t b = 0; b < blocks_; ++b) {
    double n = double(std::min(kBlock, n_ - b * kBlock)), delta = double(means[b]) - mean;
    m2 += double(squares[b]) * n + (b == 0 ? 0 : delta * delta * count * n / (count + n));
    count += n;
    mean += b == 0 ? delta : delta * n / count;
  }
  mean_[row] = center ? float(mean) : 0.0f;
  inv_std_[row] = float(1 / std::sqrt(m2 / count + double(epsilon)));
}

Status LongMoments::compute(OpRun& r, const float* x, float epsilon, bool center) {
  ENGINE_TRY(r.parallel(rows_ * blocks_, 0.3 * double(std::min(n_, kBlock)), [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t at = i % blocks_ * kBlock, n = std::min(kBlock, n_ - at);
      const float* from = x + i / blocks_ * n_ + at;
      float mean = 0, square = 0;
      if (center) {
        norm_kernels().moments(from, 1, size_t(n), 0.0f, &mean, &square);
        square = float(1 / (double(square) * double(square)));
      } else {
        reduce_kernels().rows[int(ReduceOp::sum_square)](from, 1, size_t(n), &square);
        square /= float(n);
      }
      block_mean_[i] = mean;
      block_square_[i] = square;
    }
  }));
  return r.parallel(rows_, 4 * double(blocks_), [&](int64_t begin, int64_t end, int) {
    for (int64_t row = begin; row < end; ++row) merge(row, epsilon, center);
  });
}

}  // namespace engine

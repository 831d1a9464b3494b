// Float32 reductions. Means, norms and logarithms of sums are what operators make of these.
//
// Pure functions: no allocation, no failure, no state. Outputs do not overlap inputs. The order of the additions is
// fixed by the length of the reduced run alone (simd/accumulate.inl), and its error grows with the logarithm of that
// length. Rows, and columns, are independent: any cut of them gives the same bits.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace engine {

enum class ReduceOp : uint8_t {
#define ENGINE_REDUCE(name) name,
#include "kernels/reduce/reduce.inc"
#undef ENGINE_REDUCE
};
#define ENGINE_REDUCE(name) +1
inline constexpr int kReduceOps = 0
#include "kernels/reduce/reduce.inc"
    ;
#undef ENGINE_REDUCE

// A long row may be reduced in parts by several tiles: the parts are [k kReduceBlock, (k + 1) kReduceBlock), each
// through reduce_rows with rows = 1, and `combine` of their results is, bit for bit, reduce_rows of the whole row.
inline constexpr size_t kReduceBlock = 4096;

// y[r] = op of x[r n .. r n + n).
using ReduceRowsFn = void (*)(const float* x, size_t rows, size_t n, float* y);
// y[i] = op of x[r stride + i] over 0 <= r < n, for 0 <= i < count.
using ReduceColumnsFn = void (*)(const float* x, size_t n, size_t stride, size_t count, float* y);
// op of `count` results of blocks, in order. REQUIRES: count > 0.
using ReduceCombineFn = float (*)(const float* partial, size_t count);

// y[r] = sum of e^(x - shift[r]) over row r. For log-sum-exp, with shift the row's maximum.
using SumExpRowsFn = void (*)(const float* x, const float* shift, size_t rows, size_t n, float* y);
using SumExpColumnsFn = void (*)(const float* x, const float* shift, size_t n, size_t stride, size_t count, float* y);

// y[r] = index in row r of its extreme element: the first of equals, or the last. A NaN beats every number (numpy).
// REQUIRES: 0 < n <= 2^31.
using ArgRowsFn = void (*)(const float* x, size_t rows, size_t n, bool last, int64_t* y);
using ArgColumnsFn = void (*)(const float* x, size_t n, size_t stride, size_t count, bool last, int64_t* y);

struct ReduceKernels {
  ReduceRowsFn rows[kReduceOps];
  ReduceColumnsFn columns[kReduceOps];
  ReduceCombineFn combine[kReduceOps];
  SumExpRowsFn sum_exp_rows;
  SumExpColumnsFn sum_exp_columns;
  ArgRowsFn argmax_rows, argmin_rows;
  ArgColumnsFn argmax_columns, argmin_columns;
};

// The table of the active tier.
const ReduceKernels& reduce_kernels();

const char* reduce_name(ReduceOp op);

}  // namespace engine

// The weights of a recurrent operator, W or R, and products with them: one matrix a direction, float32 or 8-bit.
#pragma once

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_int8.h"
#include "ops/op.h"

namespace engine {

// Columns [begin, begin + n) of the k x (all columns) matrix of each direction, packed.
class RecurrentWeights {
 public:
  // Input `position` holds `directions` matrices: [columns, k] each (floats of any dtype but float64), or, as_bytes,
  // [k, columns] of int8 or uint8 with a scale (and zero point) at inputs `scale` and `scale + 1`.
  struct Source {
    int position = 0, scale = -1;
    bool as_bytes = false;
    int64_t directions = 1, columns = 0, k = 0, begin = 0, n = 0;
  };

  // m: rows of each product. *shared: bytes of shared scratch handed out so far.
  Status prepare(PrepareContext& c, const Source& source, int64_t m, int64_t* shared);
  // Packs what was no constant; once a run, before products.
  Status begin(OpRun& r) const;
  // c[d][i, j] = sum over k of a[d][i, p] * weights[d][p, j] (+ bias[d][j]) for every direction d.
  // 8-bit weights: a[d] is quantised with the range of its first `range_rows` rows.
  struct Operands {
    const float* a;
    int64_t a_direction;     // elements from direction to direction; rows are contiguous
    int64_t range_rows;
    float* c;
    int64_t c_direction, c_row;
    const float* bias;       // [directions][n], or null
  };
  Status multiply(OpRun& r, const Operands& o) const;

 private:
  Status pack(PrepareContext& c);
  void pack_direction(int64_t direction, const Tensor& source, char* memory) const;
  Status quantize(OpRun& r, const Operands& o) const;
  void run_float(OpRun& r, const Operands& o, const char* packed, int64_t direction, int64_t tile, int64_t step, int worker) const;
  void run_bytes(OpRun& r, const Operands& o, const char* packed, int64_t direction, int64_t tile, int64_t step, int worker) const;

  Source s_;
  DType dtype_ = DType::Float;
  const GemmKernels* kernels_ = nullptr;
  const GemmInt8Kernels* byte_kernels_ = nullptr;
  RefPtr<Buffer> packed_;
  GemmTiling tiling_{};
  int64_t packed_bytes_ = 0, m_ = 0;
  int64_t packed_at_ = -1, quantized_at_ = -1, dynamic_at_ = -1, scales_at_ = -1;  // in the shared scratch
};

}  // namespace engine

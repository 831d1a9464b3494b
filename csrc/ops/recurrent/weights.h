// The weights of a recurrent operator, W or R, and products with them: one matrix a direction, float32 or 8-bit.
#pragma once

#include "kernels/gemm/gemm.h"
#include "kernels/gemm/gemm_int8.h"
#include "ops/op.h"
#include "ops/quantize/dynamic_scale.h"

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

  // m: the most rows of a product. *shared: bytes of shared scratch handed out so far.
  Status prepare(PrepareContext& c, const Source& source, int64_t m, int64_t* shared);
  // Packs what was no constant; once a run, before products.
  Status begin(OpRun& r) const;

  // c[d][i, j] = sum over k of a[d][i, p] * weights[d][p, j] (+ bias[d][j]) for the first `rows` rows of every direction d.
  // For 8-bit weights a[d] is quantised with the range of these rows.
  struct Operands {
    const float* a;
    int64_t a_direction;  // elements from direction to direction, 0: the same for all; rows are contiguous
    int64_t rows;
    float* c;
    int64_t c_direction, c_row;
    const float* bias;  // [directions][n], or null
  };
  Status multiply(OpRun& r, const Operands& o) const;
  // Rows [begin, end) of one direction, on this thread alone, which runs as `worker`. REQUIRES: for 8-bit weights, all rows.
  void multiply_here(OpRun& r, const Operands& o, int64_t direction, int64_t begin, int64_t end, int worker) const;
  // About how long multiply_here takes for so many rows.
  double ns(int64_t rows) const;

 private:
  Status pack(PrepareContext& c);
  double macs_per_ns() const;
  Status read_scales(PrepareContext& c, int64_t* shared);
  int64_t panels() const;
  // Panels [begin, end) of those of all directions, one direction's after the other's.
  void pack_panels(const Tensor& source, int64_t begin, int64_t end, char* memory) const;
  void fill_scales(const Tensor& scale, const Tensor* zero, char* memory) const;
  const char* packed(OpRun& r, int64_t direction) const;
  const float* scales(OpRun& r) const;
  Status quantize(OpRun& r, const Operands& o) const;
  void quantize_here(OpRun& r, const Operands& o, int64_t direction) const;
  void set_row_scales(OpRun& r, int64_t slot, int64_t rows) const;
  void run_tile(OpRun& r, const Operands& o, int64_t direction, const GemmTile& tile, int worker) const;
  void run_float(OpRun& r, const Operands& o, int64_t direction, const GemmTile& tile, int worker) const;
  void run_bytes(OpRun& r, const Operands& o, int64_t direction, const GemmTile& tile, int worker) const;
  DynamicScale& dynamic(OpRun& r, int64_t slot) const;
  float* row_scales(OpRun& r, int64_t slot) const;
  uint8_t* quantized(OpRun& r, int64_t slot) const;
  // Directions whose A is the same share one quantised copy.
  static int64_t slot_of(const Operands& o, int64_t direction) { return o.a_direction == 0 ? 0 : direction; }

  Source s_;
  DType dtype_ = DType::Float;
  const GemmKernels* kernels_ = nullptr;
  const GemmInt8Kernels* byte_kernels_ = nullptr;
  RefPtr<Buffer> packed_, constant_scales_;
  bool has_zeros_ = true;  // false: every zero point is known to be 0
  GemmTiling tiling_{};
  int64_t packed_bytes_ = 0, m_ = 0;
  // In the shared scratch. Scales: [directions][n] floats, then as many zero points (int32).
  int64_t packed_at_ = -1, quantized_at_ = -1, dynamic_at_ = -1, scales_at_ = -1, row_scales_at_ = -1;
};

}  // namespace engine

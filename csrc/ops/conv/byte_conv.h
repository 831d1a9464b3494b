// Convolutions of 8-bit integers as a part of operators: ConvInteger, QLinearConv.
#pragma once

#include "kernels/conv/conv_shape.h"
#include "kernels/gemm/gemm_int8.h"
#include "ops/op.h"

namespace engine {

// The sums of (x - x_zero) * (w - w_zero), exact in int32; as they are, or quantised again:
//   y = saturate(round_half_even((sum + bias) * (x_scale * w_scale / y_scale)) + y_zero)
// w_zero and w_scale: one value or one for each output channel; the others one value. Depthwise filters are summed
// directly; all else turns the data to [n, group, pixel, channel] and gathers pixels into rows of a byte product.
class ByteConv {
 public:
  // Positions among the inputs; -1: none.
  struct Inputs {
    int x = 0, x_scale = -1, x_zero = -1, w = 1, w_scale = -1, w_zero = -1, y_scale = -1, y_zero = -1, bias = -1;
  };
  Inputs inputs;
  // The range that quantised results are limited to; both 0: that of the type.
  int32_t low = 0, high = 0;

  // result: Int32, or Uint8 and Int8, for which the scales are there.
  Status infer(InferContext& c, DType result);
  Status prepare(PrepareContext& c);
  Status run(OpRun& r) const;

 private:
  // What a run reads from its small inputs; arrays have one value for each output channel.
  struct Call {
    int32_t x_zero = 0, y_zero = 0;
    const int32_t* w_zeros = nullptr;
    const float* scales = nullptr;
    const int32_t* bias = nullptr;
  };

  Status check_small(PrepareContext& c, int position, bool per_channel) const;
  Status pack(PrepareContext& c);
  Call read(OpRun& r) const;
  Status run_product(OpRun& r, const Call& call) const;
  Status to_pixels(OpRun& r, const char* x, char* pixels) const;
  void gather(const char* pixels, int32_t zero, int64_t first, int64_t last, char* panel) const;
  void store(const char* tile, int64_t rows, int64_t columns, char* y) const;
  Status run_depthwise(OpRun& r, const Call& call) const;
  template <class X>
  void depthwise_row(const X* x, const int32_t* weights, const Call& call, int64_t channel, int64_t row, int32_t* sums, char* y) const;
  void finish(const Call& call, int64_t channel, const int32_t* sums, int64_t n, char* y) const;

  DType result_ = DType::Int32, x_type_ = DType::Uint8, w_type_ = DType::Uint8;
  ConvShape shape_;
  const GemmInt8Kernels* kernels_ = nullptr;
  GemmTiling tiling_{};
  RefPtr<Buffer> packed_;
  int64_t packed_bytes_ = 0, panel_bytes_ = 0, tile_bytes_ = 0;
  int64_t pixels_at_ = 0, weights_at_ = 0;  // in the shared scratch: the turned data, and weights that are no constant
  bool pointwise_ = false;
};

}  // namespace engine

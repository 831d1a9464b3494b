// Convolutions of 8-bit integers as a part of operators: ConvInteger, QLinearConv.
#pragma once

#include <functional>

#include "kernels/byteconv/byteconv.h"
#include "kernels/conv/conv_shape.h"
#include "kernels/quant/quant.h"
#include "ops/conv/byte_pieces.h"
#include "ops/op.h"

namespace engine {

// The sums of (x - x_zero) * (w - w_zero), exact in int32; as they are, or quantised again:
//   y = saturate(round_half_even(sum * (x_scale * w_scale / y_scale) + bias / y_scale) + y_zero)
// where an int32 bias joins the sum instead. w_zero and w_scale: one value or one for each output channel; the others one
// value. Data are turned to pixels of channels unless they are so already.
//
// Then, in this order, where the inputs are there:
//   y = table[y]                                                             a byte for each of the 256
//   y = saturate(round_half_even(((y - y_zero) y_scale + (r - r_zero) r_scale) / z_scale) + z_zero)
class ByteConv {
 public:
  // Positions among the inputs; -1: none.
  struct Inputs {
    int x = 0, x_scale = -1, x_zero = -1, w = 1, w_scale = -1, w_zero = -1, y_scale = -1, y_zero = -1, bias = -1;
    int table = -1, r = -1, r_scale = -1, r_zero = -1, z_scale = -1, z_zero = -1;
  };
  Inputs inputs;
  // The range that quantised results are limited to, before table and residual; both 0: that of the type.
  int32_t low = 0, high = 0;
  // Data, residual and result are [n, spatial..., channel].
  bool channels_last = false;

  // result: Int32, or Uint8 and Int8, for which the scales are there.
  Status infer(InferContext& c, DType result);
  Status prepare(PrepareContext& c);
  Status run(OpRun& r) const;

 private:
  // Small inputs as the kernels want them: arrays over columns, those of a group padded to whole panels, or over the
  // positions of a depthwise period.
  struct Terms {
    uint8_t x_zero = 0;  // of unsigned data
    int32_t y_zero = 0;
    int32_t *start = nullptr, *weight_zeros = nullptr;
    float *scale = nullptr, *shift = nullptr;
    bool zeros = false;  // some weight has a zero point
  };
  // Packed weights, then the sum of each output channel's stored weights.
  struct Weights {
    char* packed = nullptr;
    int32_t* sums = nullptr;
  };
  // Input tensors by position: constants while preparing, any while running; null where there is none.
  using Source = std::function<const Tensor*(int position)>;

  bool given(const InferContext& c, int position) const { return position >= 0 && c.has_input(position); }
  Status check_small(PrepareContext& c, int position, bool per_channel) const;
  void infer_rank(InferContext& c) const;
  Status infer_residual(InferContext& c, const Shape& output) const;
  Status prepare_rows(PrepareContext& c);
  Status prepare_depthwise(PrepareContext& c);
  void choose_tiles(int threads);

  bool depthwise() const { return shape_.depthwise(); }
  int64_t padded_columns() const;
  int64_t weight_bytes() const;
  int64_t terms_bytes() const;
  Weights weights_at(char* memory) const;
  Terms terms_at(char* memory) const;
  int64_t packed_group_bytes() const;
  // Writes the weights of input channels [begin, end) of an output channel in the order of the data, signed; their sum.
  int32_t turn_weights(const uint8_t* w, int64_t channel, int64_t begin, int64_t end, int8_t* turned) const;
  int64_t pack_items() const;
  void pack_turned(const int8_t* turned, int64_t begin, int64_t end, char* packed) const;
  void fill_weights(const Source& source, char* memory) const;
  // The same while running, in tiles. turned: memory for all weights.
  Status make_weights(OpRun& r, const Source& source, int8_t* turned, char* memory) const;
  void fill_depthwise_weights(const Source& source, char* memory) const;
  Terms fill_terms(const Source& source, const Weights& weights, char* memory) const;
  void fill_column(const Source& source, const Weights& weights, int64_t channel, int64_t at, Terms* t) const;
  bool weights_are_bytes(const Source& source) const;

  ByteFinish finish_of(const Terms& t, int64_t column) const;
  Status run_rows(OpRun& r, const Terms& t, const Weights& weights, const uint8_t* x, const uint8_t* end) const;
  // kernels_->run, for rows that take long in parts of part_ bytes. False when the call must stop meanwhile.
  void set_next(int64_t item, const char* packed, ByteRows* g) const;
  bool run_product(OpRun& r, int worker, ByteRows g, char* scratch) const;
  Status run_depthwise(OpRun& r, const Terms& t, const Weights& weights, const uint8_t* x) const;
  void gather_lines(const uint8_t* image, int64_t depth, int64_t first, int64_t lines, uint8_t outside, uint8_t* to) const;
  void point_taps(const uint8_t* lines, int64_t line, int64_t gathered, const uint8_t** rows) const;
  // The table and the residual over `count` results at `y`, element `at` of the output in the order of channels_last.
  void after(OpRun& r, uint8_t* y, int64_t count, int64_t at) const;

  DType result_ = DType::Int32, x_type_ = DType::Uint8, w_type_ = DType::Uint8;
  ConvShape shape_;
  BytePieces pieces_;
  const ByteConvKernels* kernels_ = nullptr;
  const QuantKernels* quant_ = nullptr;
  int64_t tile_m_ = 1, tile_n_ = 1, tiles_m_ = 0, tiles_n_ = 0;  // of rows; depthwise: tile_m_ lines
  int64_t part_ = 0;                                             // of a row, in bytes, between looks at the clock; 0: all
  int64_t period_ = 0, line_ = 0;                                // depthwise: bytes of a gathered line's phase
  int64_t rows_at_ = 0, border_at_ = 0, sums_at_ = 0, tile_at_ = 0;  // in a worker's scratch
  int64_t weights_at_ = 0, terms_at_ = 0, outside_at_ = 0;       // in the shared scratch, after the turned data
  bool turns_ = false;                                           // data are copied to pixels first
  bool wide_ = false;                                            // depthwise: weights that are no bytes
  RefPtr<Buffer> packed_, terms_;
};

}  // namespace engine

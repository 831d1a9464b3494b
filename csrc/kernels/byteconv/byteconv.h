// Convolutions of 8-bit integers over tensors whose pixels are runs of channels, exact in int32.
//
// Data are unsigned, stored weights signed; zero points, biases and scales come in as terms of the columns (output
// channels). Integers being exact, every cut of the work gives the same bits.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace engine {

// From int32 sums to results. Words: sum + start. Bytes: the low eight bits of
//   clamp(round_half_even((sum + start) * scale + shift) + zero, low, high)
// NaN gives `low`. Arrays have one value a column, readable up to a whole panel (or block).
struct ByteFinish {
  bool words;
  const int32_t* start;
  const float* scale;
  const float* shift;
  int32_t zero, low, high;
};

// C[i, j] for rows [0, m) and columns [n0, n1) of a product whose rows of data lie in pieces.
// Value-initialise ({}), then set.
struct ByteRows {
  const uint8_t* const* rows;  // [m][pieces], each readable for `length` rounded up to 4
  int64_t m, pieces, length;
  const void* packed;          // what pack wrote
  int64_t n, n0, n1;           // n0 is a multiple of the panel
  const int32_t* weight_zeros; // one a column, taken off the stored weights; null: all are 0
  ByteFinish finish;
  void* c;                     // C[i, j] at i * c_stride + j - n0, in elements
  int64_t c_stride;
  // Where the rows are a part of longer ones: the pieces and the length that pack was given (0: those above), and the pieces,
  // and bytes of the next, that come before. REQUIRES: whole pieces, or one of which `length` is a multiple of 64 or its rest.
  int64_t packed_pieces, packed_length, pieces_before, bytes_before;
  // Memory that another product reads next, which may be fetched meanwhile; null: nothing.
  const void* next;
  int64_t next_bytes;
};

// A flat row of outputs of a convolution of one filter a channel: output p is the sum over taps of rows[tap][p] times
// the weight of that tap and of position p modulo `period`.
struct ByteDepthwise {
  const uint8_t* const* rows;  // [taps rounded up to 4], each readable for n rounded up to 64
  int64_t n, taps;
  int64_t period;              // a multiple of 64
  const void* weights;         // what pack_depthwise or pack_depthwise_wide wrote
  ByteFinish finish;           // one value a position of the period, in the weights' order
  void* c;
};

struct ByteConvKernels {
  int panel;          // columns of a panel
  int rows;           // rows that go together
  int64_t tile_macs;  // multiply-adds of less than 100 us

  size_t (*packed_bytes)(int64_t n, int64_t pieces, int64_t length);
  // w: [n][pieces * length]. Packing is cut into items of a few hundred bytes at most; disjoint ranges may be packed at the
  // same time. Together they write all of `packed`.
  int64_t (*pack_items)(int64_t n, int64_t pieces, int64_t length);
  void (*pack)(const int8_t* w, int64_t n, int64_t pieces, int64_t length, int64_t begin, int64_t end, void* packed);
  size_t (*scratch_bytes)(int64_t m, int64_t pieces, int64_t length);
  void (*run)(const ByteRows& g, void* scratch);

  // Weights of any difference of two bytes; positions in their own order.
  void (*depthwise_wide)(const ByteDepthwise& g);
  // Weights of one byte, for byte results only; null where wide is as fast. Term i of a block of 64 is that of position
  // order[i].
  void (*depthwise)(const ByteDepthwise& g);
  const uint8_t* order;
};

// Bytes of packed depthwise weights, whichever the form.
size_t depthwise_weight_bytes(int64_t period, int64_t taps);
// For depthwise_wide: w [period][taps].
void pack_depthwise_wide(const int16_t* w, int64_t period, int64_t taps, void* packed);
// For depthwise. REQUIRES: weights within int8.
void pack_depthwise(const int16_t* w, const uint8_t* order, int64_t period, int64_t taps, void* packed);

// The kernels of the active tier. Thread-safe.
const ByteConvKernels& byte_conv_kernels();

}  // namespace engine

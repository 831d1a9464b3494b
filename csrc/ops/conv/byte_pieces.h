// Where the data under a convolution's filter lie, for data of pixels of channels.
//
// A row of data is `pieces` runs of `length` bytes: a kernel row's where its taps are neighbours, else a tap's. Together
// they are [tap, channel].
#pragma once

#include <vector>

#include "kernels/conv/conv_shape.h"

namespace engine {

class BytePieces {
 public:
  BytePieces() = default;
  explicit BytePieces(const ConvShape& s);

  int64_t pieces() const { return pieces_; }
  int64_t length() const { return length_; }
  // Bytes that are readable at each piece: length rounded up to 4.
  int64_t readable() const { return (length_ + 3) / 4 * 4; }
  // The pieces' bytes are in order: pixel i of the output is at i * length().
  bool in_place() const { return in_place_; }

  // Bytes that locate needs to lay out pieces which reach beyond the input, for at most `rows` output pixels.
  int64_t border_bytes(int64_t rows) const;
  // rows[i][piece] for output pixels [first, last) of one image and group. `data` is its first pixel's first channel; up
  // to `end` memory is readable. `outside`: readable() bytes of what lies outside the input, whose first byte is the value.
  void locate(const uint8_t* data, const uint8_t* end, const uint8_t* outside, int64_t first, int64_t last, uint8_t* border,
              const uint8_t** rows) const;

 private:
  struct Cursor {
    const uint8_t *end, *outside;
    uint8_t* border;
    const uint8_t** rows;
  };
  // Input positions that the kernel spans in dimension d.
  int64_t extent(int d) const { return (shape_.kernel[d] - 1) * shape_.dilation[d] + 1; }
  void locate_row(const uint8_t* data, int64_t depth, int64_t height, int64_t width, Cursor* to) const;
  void place(const uint8_t* from, int64_t low, int64_t high, Cursor* to) const;

  ConvShape shape_;
  int64_t pieces_ = 1, length_ = 0, taps_ = 1;  // taps: of a piece
  int64_t edge_columns_ = 0;                    // output columns whose pieces reach beyond the input
  std::vector<int64_t> offsets_;                // by piece, from where the first one begins
  bool in_place_ = false;
};

}  // namespace engine

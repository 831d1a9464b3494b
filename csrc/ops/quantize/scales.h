// The scale and zero-point inputs of an operator, as floats.
#pragma once

#include <vector>

#include "ops/op.h"
#include "ops/quantize/quantizer.h"

namespace engine {

class Scales {
 public:
  // Input `scale`, and input `zero` when it is there and not all zero; copied.
  Status read(OpRun& r, int scale, int zero);
  // The same from constants; leaves empty() when one of them is no constant.
  void read_constants(PrepareContext& c, int scale, int zero);
  bool empty() const { return !scale_.count; }

  QuantScales at(int64_t index, bool varies) const {
    return {scale_.data() + index, zero_.count ? zero_.data() + index : nullptr, varies};
  }

 private:
  // One float in place or many.
  struct Floats {
    int64_t count = 0;
    float one = 0;
    std::vector<float> many;

    const float* data() const { return count == 1 ? &one : many.data(); }
    float* resize(int64_t n);
    bool all_zero() const;
  };

  Floats scale_, zero_;
};

}  // namespace engine

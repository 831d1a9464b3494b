// Conversion of elements between any two dtypes but strings and complex: kernels/convert, and the types below 16 bits.
#pragma once

#include "kernels/convert/convert.h"
#include "tensor/small_float.h"

namespace engine {

class Converter {
 public:
  Converter() = default;
  // See kernels/convert/convert.h; to an int4 or int2 the low bits of the int8, to a small float see SmallFloatRounding.
  Converter(DType from, DType to, SmallFloatRounding rounding = {});

  // y[i] = x[i] for n elements. No overlap, but y may be x where sizes are the same.
  void operator()(const void* x, void* y, int64_t n) const;
  double ns_per_element() const { return ns_; }

 private:
  DType from_ = DType::Float, to_ = DType::Float;
  DType load_ = DType::Float, store_ = DType::Float;  // kernel types between which middle_ converts; null when the same
  SmallFloatRounding rounding_;
  ConvertFn middle_ = nullptr;
  double ns_ = 0.5;
};

}  // namespace engine

// Element type conversions (ONNX Cast without saturation).
#pragma once

#include "kernels/element_type.h"

namespace engine {

// y[i] = x[i] in the other type, n contiguous elements; n may be 0. The output may be exactly the input when the
// element sizes are equal, and may not overlap it otherwise.
//   to a float      round to nearest even; overflow gives infinity; NaN stays NaN
//   to an integer   towards zero. Out of range (and NaN): an unspecified value, the same on every call
//   integers        modulo 2^bits
//   to boolean      x != 0 (true for NaN)
using ConvertFn = void (*)(const void* x, void* y, size_t n);

// fn[from][to]; never null.
struct ConvertKernels {
  ConvertFn fn[kElementTypes][kElementTypes];
};

// The table of the active tier.
const ConvertKernels& convert_kernels();

inline ConvertFn convert_kernel(ElementType from, ElementType to) { return convert_kernels().fn[int(from)][int(to)]; }

}  // namespace engine

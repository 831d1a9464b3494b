// Plain element-wise kernels for every element type with arithmetic, vectorised by the compiler.
// The same contract as elementwise.h, through whose unary_kernel, binary_kernel and compare_kernel they are found.
#pragma once

#include "kernels/elementwise/elementwise.h"

namespace engine {

// Integer arithmetic wraps. A null entry: the type has no such operation. f16 and bf16 have none.
struct NumericKernels {
  UnaryFn unary[kElementTypes][kUnaryOps];  // integers: copy, abs, neg, sign, relu, square; f64: see unary_f64
  BinaryFn binary[kElementTypes][kBinaryOps][kBroadcasts];
  BinaryFn compare[kElementTypes][kCompareOps][kBroadcasts];
};

// The table of the active tier.
const NumericKernels& numeric_kernels();

// Every UnaryOp on double, through the C library.
UnaryFn unary_f64(UnaryOp op);

}  // namespace engine

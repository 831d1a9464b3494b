// Convolutions of float64 tensors as the definition says: one output element at a time.
#pragma once

#include "kernels/conv/conv_shape.h"
#include "ops/op.h"

namespace engine {

// Inputs x, w, optional bias (null): all float64, plain.
Status run_direct_conv(OpRun& r, const ConvShape& shape, const double* x, const double* w, const double* bias, double* y);

}  // namespace engine

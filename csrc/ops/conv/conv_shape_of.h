// From a Conv or ConvTranspose node to the geometry of its convolution.
#pragma once

#include "kernels/conv/conv_shape.h"
#include "ops/conv/window.h"

namespace engine {

// Checks input x [N, C, spatial...] against weight w ([M, C / group, kernel...], transposed [C, M / group, kernel...]) and an
// optional bias [M] (position, -1: none), reads the attributes, and gives the convolution and the output's shape.
// REQUIRES: the shapes of all three are known.
Status conv_shape_of(const InferContext& c, bool transposed, int bias, ConvShape* conv, Shape* output);

}  // namespace engine

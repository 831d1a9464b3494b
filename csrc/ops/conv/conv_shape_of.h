// From a Conv or ConvTranspose node to the geometry of its convolution.
#pragma once

#include "kernels/conv/conv_shape.h"
#include "ops/conv/window.h"

namespace engine {

// Checks data of shape x [N, C, spatial...] against the weight (position `weight`: [M, C / group, kernel...], transposed
// [C, M / group, kernel...]) and an optional bias [M] (position, -1: none), reads the attributes, and gives the convolution and the output's shape.
// REQUIRES: x is known, and the shapes of weight and bias are.
Status conv_shape_of(const InferContext& c, const Shape& x, int weight, bool transposed, int bias, ConvShape* conv, Shape* output);

}  // namespace engine

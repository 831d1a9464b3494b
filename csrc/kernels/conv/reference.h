// The convolution as its definition says, for any shape: the oracle of every fast path.
#pragma once

#include "kernels/activation.h"
#include "kernels/conv/conv_shape.h"

namespace engine {

// All tensors plain. bias [c_out] and residual [as output] may be null. output = act(conv + bias + residual),
// summed in double and rounded once before the activation.
void conv_reference(const ConvShape& shape, const float* input, const float* weight, const float* bias,
                    const float* residual, Activation activation, float alpha, float beta, float* output);

}  // namespace engine

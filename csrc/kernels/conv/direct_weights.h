// The packed weights of a job of the direct kernel.
#pragma once

#include "kernels/conv/conv_shape.h"

namespace engine {

// Output channels [first, first + width) of `group`, whole blocks, those beyond the group's being zeros, in steps of step_channels.
struct DirectWeights {
  int64_t group, first, width, step_channels;
};

// Writes [bias of the channels][step][tap][channel of the step][width], width * (1 + c_in / groups * taps) floats.
void pack_direct_weights(const ConvShape& shape, const float* weight, const float* bias, const DirectWeights& which,
                         float* packed);

}  // namespace engine

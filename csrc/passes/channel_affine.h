// Nodes that compute x[n, c, ...] * factor[c] + shift[c] with constants.
#pragma once

#include <optional>
#include <vector>

#include "graph/graph.h"

namespace engine {

struct ChannelAffine {
  ValueId x = kNoValue;
  std::vector<double> factor, shift;  // one for each channel
  bool scales = false;                // some factor is not 1
};

// BatchNormalization at inference, and Mul, Add, Sub and Div with a constant, of a float32 input `x` of known rank with
// `channels` channels. Empty when the node is nothing of the kind, or a factor or shift is not finite.
std::optional<ChannelAffine> channel_affine(const Graph& graph, const Node& node, ValueId x, int64_t channels);

}  // namespace engine

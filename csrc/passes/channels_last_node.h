// What nodes are over tensors of pixels of channels: [n, spatial..., channel] for [n, channel, spatial...].
#pragma once

#include <optional>

#include "graph/graph.h"

namespace engine {

Shape channels_last_shape(const Shape& shape);
std::vector<int64_t> channels_last_axes(int rank);   // of the Transpose that makes it
std::vector<int64_t> channels_first_axes(int rank);  // and of the one that undoes it

// A quantised convolution: QLinearConv, engine.QLinearConv.
bool is_byte_conv(const Node& node);

// An input that must have its channels last.
struct LastOperand {
  size_t position;
  bool decides;  // of the output's shape: where most such have channels first, nothing is gained
};

// The node over pixels, its inputs still those of `node`; empty when it has no such form. REQUIRES: types are inferred, the
// output's shape is known.
std::optional<Node> channels_last_form(const Graph& graph, const Node& node, std::vector<LastOperand>* operands);

// The changed node's constants that go by axis are replaced.
Status channels_last_constants(Graph& graph, MemoryAccount* account, Node* changed);

}  // namespace engine

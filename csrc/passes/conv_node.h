// What the passes over convolutions share: engine.Conv nodes (ops/fused_conv.cpp).
#pragma once

#include "passes/product_node.h"

namespace engine {

bool is_conv(const Node* node);
bool is_transposed(const Node& conv);

// The convolution that makes `v`, used here alone; -1 when there is none.
int conv_of(Rewriter& rewriter, ValueId v);

int64_t int_of(const Node& node, const char* name, int64_t fallback);
std::string string_of(const Node& node, const char* name, const char* fallback);

// The output channels, from a weight of known shape; -1 when it is not.
int64_t output_channels(const Graph& graph, const Node& conv);

// True when nothing is done yet to the sums besides the bias: a factor or a shift may still be folded in.
bool is_linear(const Node& conv);

}  // namespace engine

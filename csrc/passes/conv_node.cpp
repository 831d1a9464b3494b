#include "passes/conv_node.h"

namespace engine {

bool is_conv(const Node* node) { return node && node->domain == "engine" && node->op_type == "Conv"; }

bool is_transposed(const Node& conv) { return int_of(conv, "transposed", 0) != 0; }

int conv_of(Rewriter& rewriter, ValueId v) {
  return v >= 0 && is_conv(rewriter.producer_node(v)) && rewriter.single_use(v) ? rewriter.producer(v) : -1;
}

int64_t int_of(const Node& node, const char* name, int64_t fallback) {
  const Attribute* a = node.attributes ? find_attribute(*node.attributes, name) : nullptr;
  return a && !a->ints.empty() ? a->ints[0] : fallback;
}

std::string string_of(const Node& node, const char* name, const char* fallback) {
  const Attribute* a = node.attributes ? find_attribute(*node.attributes, name) : nullptr;
  return a && !a->strings.empty() ? a->strings[0] : fallback;
}

int64_t output_channels(const Graph& graph, const Node& conv) {
  const TypeInfo& w = graph[conv.inputs[1]].type;
  if (!w.static_shape() || w.shape.rank() < 3) return -1;
  return is_transposed(conv) ? w.shape[1] * int_of(conv, "group", 1) : w.shape[0];
}

bool is_linear(const Node& conv) { return input_of(conv, 3) == kNoValue && has_no_activation(conv); }

}  // namespace engine

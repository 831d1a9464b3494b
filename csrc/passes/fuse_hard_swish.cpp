// x * HardSigmoid(x) and x * Clip(x + 3, 0, 6) / 6 become HardSwish.
#include <cmath>

#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

bool near(std::optional<float> x, float want) { return x && std::fabs(*x - want) <= 1e-6f * std::fabs(want); }

// The operand beside the scalar constant `want` of a commutative node; kNoValue when it is no such node.
ValueId beside_scalar(const Graph& graph, const Node* node, const char* op, float want) {
  if (!is_node(node, op)) return kNoValue;
  for (size_t side : {size_t(0), size_t(1)})
    if (near(scalar_constant(graph, node->inputs[side]), want)) return node->inputs[1 - side];
  return kNoValue;
}

// The x of x / 6 or x * (1 / 6).
ValueId sixth_of(const Graph& graph, const Node* node) {
  if (is_node(node, "Div") && near(scalar_constant(graph, node->inputs[1]), 6)) return node->inputs[0];
  return beside_scalar(graph, node, "Mul", 1.0f / 6.0f);
}

bool clips_to_six(const Graph& graph, const Node& node) {
  if (node.opset < 11) return float_of(node, "min", -INFINITY) == 0 && float_of(node, "max", INFINITY) == 6;
  std::optional<float> low = scalar_constant(graph, input_of(node, 1)), high = scalar_constant(graph, input_of(node, 2));
  return low && *low == 0 && near(high, 6);
}

// The x of Clip(x + 3, 0, 6).
ValueId clipped_of(Rewriter& rewriter, ValueId v) {
  const Node* clip = rewriter.producer_node(v);
  if (!is_node(clip, "Clip") || !clips_to_six(rewriter.graph(), *clip)) return kNoValue;
  return beside_scalar(rewriter.graph(), rewriter.producer_node(clip->inputs[0]), "Add", 3);
}

// The x whose gate min(max(x / 6 + 1 / 2, 0), 1) is `v`.
ValueId gated_by(Rewriter& rewriter, ValueId v) {
  const Node* node = rewriter.producer_node(v);
  if (is_node(node, "HardSigmoid"))
    return near(float_of(*node, "alpha", 0.2f), 1.0f / 6.0f) && near(float_of(*node, "beta", 0.5f), 0.5f) ? node->inputs[0] : kNoValue;
  ValueId clipped = sixth_of(rewriter.graph(), node);
  return clipped < 0 ? kNoValue : clipped_of(rewriter, clipped);
}

// The x of x * gate(x), the node being a Mul, or of x * Clip(x + 3, 0, 6) / 6.
ValueId hard_swish_of(Rewriter& rewriter, const Node& node) {
  if (is_node(&node, "Mul"))
    for (size_t side : {size_t(0), size_t(1)})
      if (node.inputs[side] >= 0 && gated_by(rewriter, node.inputs[1 - side]) == node.inputs[side]) return node.inputs[side];
  ValueId v = sixth_of(rewriter.graph(), &node);
  const Node* product = rewriter.producer_node(v);
  if (!is_node(product, "Mul")) return kNoValue;
  for (size_t side : {size_t(0), size_t(1)})
    if (clipped_of(rewriter, product->inputs[1 - side]) == product->inputs[side]) return product->inputs[side];
  return kNoValue;
}

}  // namespace

Status pass_fuse_hard_swish(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    if (!is_node(&graph.nodes[i], "Mul") && !is_node(&graph.nodes[i], "Div")) continue;
    ValueId x = hard_swish_of(rewriter, graph.nodes[i]);
    if (x < 0 || graph[x].type.dtype != DType::Float) continue;
    Node node;
    node.name = graph.nodes[i].name;
    node.op_type = "HardSwish";
    node.opset = 14;
    node.inputs = {x};
    node.attributes = std::make_shared<const Attributes>();
    int index = rewriter.add(std::move(node));
    rewriter.steal_outputs(int(i), index);
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

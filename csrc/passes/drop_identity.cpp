// Nodes that give their input on unchanged leave the graph.
#include <string_view>

#include "passes/pass.h"

namespace engine {
namespace {

bool same_static_type(const Graph& graph, ValueId a, ValueId b) {
  const TypeInfo &s = graph[a].type, &t = graph[b].type;
  return s.static_shape() && t.static_shape() && s.dtype == t.dtype && s.shape == t.shape;
}

bool unused(const Node& node, size_t first, const Rewriter& rewriter) {
  for (size_t o = first; o < node.outputs.size(); ++o)
    if (node.outputs[o] >= 0 && (!rewriter.uses(node.outputs[o]).empty() || rewriter.is_output(node.outputs[o]))) return false;
  return true;
}

bool scalar_is(const Graph& graph, ValueId v, double value) {
  const Tensor* t = graph.constant(v);
  return t && t->elements() == 1 && contains(dtypes::kNumeric, t->dtype) && number_at(*t, 0) == value;
}

bool identity_permutation(const Node& node) {
  const Attribute* perm = node.attributes ? find_attribute(*node.attributes, "perm") : nullptr;
  if (!perm) return false;
  for (size_t i = 0; i < perm->ints.size(); ++i)
    if (perm->ints[i] != int64_t(i)) return false;
  return true;
}

// Whether output 0 is input 0, element for element, with the same type.
bool gives_on(const Graph& graph, const Node& node, const Rewriter& rewriter) {
  if (!node.domain.empty() || node.inputs.empty() || node.inputs[0] < 0 || node.outputs.empty() || node.outputs[0] < 0) return false;
  std::string_view op = node.op_type;
  if (op == "Identity") return true;
  if (op == "Dropout") return unused(node, 1, rewriter) && (node.inputs.size() < 3 || node.inputs[2] < 0);
  const TypeInfo &in = graph[node.inputs[0]].type, &out = graph[node.outputs[0]].type;
  if (op == "Cast" || op == "CastLike") return in.is_tensor() && in.dtype == out.dtype;
  if (op == "Transpose") return identity_permutation(node);
  if ((op == "Concat" || op == "Max" || op == "Min" || op == "Sum" || op == "Mean") && node.inputs.size() == 1) return true;
  if (op == "Reshape" || op == "Expand" || op == "Tile" || op == "Slice" || op == "Pad" || op == "Flatten" || op == "Squeeze" || op == "Unsqueeze") {
    if (!same_static_type(graph, node.inputs[0], node.outputs[0])) return false;
    return op != "Slice" && op != "Pad";
  }
  if ((op == "Mul" || op == "Div") && node.inputs.size() == 2)
    return same_static_type(graph, node.inputs[0], node.outputs[0]) && scalar_is(graph, node.inputs[1], 1.0);
  return false;
}

}  // namespace

Status pass_drop_identity(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!gives_on(graph, node, rewriter)) continue;
    rewriter.replace(node.outputs[0], node.inputs[0]);
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

// A sum that is normalised by rows becomes one node, which also gives the sum where that is used elsewhere.
#include "passes/arithmetic.h"
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

// The node is a norm over the last axis with one output, of a sum of two values of its own shape.
bool matches(Rewriter& rewriter, const Node& norm) {
  const Graph& graph = rewriter.graph();
  if (!is_node(&norm, "LayerNormalization") && !is_node(&norm, "RMSNormalization")) return false;
  ValueId sum = norm.inputs[0];
  const Node* add = rewriter.producer_node(sum);
  if (!is_node(add, "Add") || !graph[sum].type.static_shape()) return false;
  const TypeInfo& type = graph[sum].type;
  std::vector<int64_t> axis = ints_of(norm, "axis");
  if (!axis.empty() && axis[0] != -1 && axis[0] != type.shape.rank() - 1) return false;
  for (size_t o = 1; o < norm.outputs.size(); ++o)
    if (norm.outputs[o] >= 0) return false;
  for (ValueId v : add->inputs) {
    const TypeInfo& term = graph[v].type;
    if (graph.constant(v) || !term.static_shape() || !(term.shape == type.shape)) return false;
  }
  return graph[norm.inputs[1]].type.dtype == type.dtype;
}

}  // namespace

Status pass_fuse_skip_norm(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    if (rewriter.removed(int(i)) || !matches(rewriter, graph.nodes[i])) continue;
    const Node& norm = graph.nodes[i];
    int add = rewriter.producer(norm.inputs[0]);
    bool center = norm.op_type == "LayerNormalization";
    Node node;
    node.name = norm.name;
    node.domain = "com.microsoft";
    node.op_type = center ? "SkipLayerNormalization" : "SkipSimplifiedLayerNormalization";
    node.opset = 1;
    node.inputs = graph.nodes[size_t(add)].inputs;
    node.inputs.insert(node.inputs.end(), norm.inputs.begin() + 1, norm.inputs.end());
    node.attributes = std::make_shared<const Attributes>(Attributes{float_attribute("epsilon", float_of(norm, "epsilon", 1e-5f))});
    bool sum_used = !rewriter.single_use(norm.inputs[0]);
    node.outputs = {norm.outputs[0], kNoValue, kNoValue, sum_used ? norm.inputs[0] : kNoValue};
    rewriter.add(std::move(node));
    rewriter.remove(int(i));
    rewriter.remove(add);
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

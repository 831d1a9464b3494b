// Reshape to three dimensions, Transpose of the last two, Reshape back: one Transpose of the original's last two dimensions.
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

const Shape* static_shape(const Graph& graph, ValueId v) { return graph[v].type.static_shape() ? &graph[v].type.shape : nullptr; }

// The original of which `node` (a Reshape) is the last step, or kNoValue.
ValueId original(Rewriter& rewriter, const Node& node) {
  Graph& graph = rewriter.graph();
  const Node* transpose = rewriter.producer_node(node.inputs[0]);
  if (!is_node(transpose, "Transpose") || ints_of(*transpose, "perm") != std::vector<int64_t>{0, 2, 1}) return kNoValue;
  const Node* first = rewriter.producer_node(transpose->inputs[0]);
  if (!is_node(first, "Reshape")) return kNoValue;
  ValueId x = first->inputs[0];
  const Shape *from = static_shape(graph, x), *flat = static_shape(graph, transpose->inputs[0]), *to = static_shape(graph, node.outputs[0]);
  if (!from || !flat || !to || from->rank() < 3 || to->rank() != from->rank() || flat->rank() != 3) return kNoValue;
  int rank = from->rank();
  for (int d = 0; d < rank - 2; ++d)
    if ((*from)[d] != (*to)[d]) return kNoValue;
  int64_t rows = (*from)[rank - 2], columns = (*from)[rank - 1];
  bool same = (*flat)[1] == rows && (*flat)[2] == columns && (*to)[rank - 2] == columns && (*to)[rank - 1] == rows;
  return same ? x : kNoValue;
}

}  // namespace

Status pass_merge_reshaped_transpose(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    if (!is_node(&graph.nodes[i], "Reshape")) continue;
    ValueId x = original(rewriter, graph.nodes[i]);
    if (x < 0) continue;
    std::vector<int64_t> perm;
    for (int d = 0; d < graph[x].type.shape.rank(); ++d) perm.push_back(d);
    std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
    Node transpose;
    transpose.name = graph.nodes[i].name;
    transpose.op_type = "Transpose";
    transpose.opset = graph.nodes[i].opset;
    transpose.inputs = {x};
    transpose.attributes = std::make_shared<const Attributes>(Attributes{ints_attribute("perm", perm)});
    int index = rewriter.add(std::move(transpose));
    rewriter.steal_outputs(int(i), index);
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

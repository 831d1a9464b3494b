// A tensor of the same shape that is added to a product becomes its residual.
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {

Status pass_fuse_product_residual(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    if (!is_node(&graph.nodes[i], "Add")) continue;
    for (size_t side : {size_t(0), size_t(1)}) {
      ValueId v = graph.nodes[i].inputs[side], residual = graph.nodes[i].inputs[1 - side];
      int product = product_of(rewriter, v);
      if (product < 0 || residual == v) continue;
      Node node = graph.nodes[size_t(product)];
      const TypeInfo& out = graph[v].type;
      const TypeInfo& other = graph[residual].type;
      if (node.inputs.size() > 3 || !has_no_activation(node) || !out.static_shape() || !other.static_shape()) continue;
      if (!(out.shape == other.shape) || out.shape.rank() < 2 || other.dtype != DType::Float) continue;
      node.inputs.resize(4, kNoValue);
      node.inputs[3] = residual;
      replace_product(rewriter, product, int(i), std::move(node));
      break;
    }
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

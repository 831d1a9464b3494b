// A tensor of the same shape that is added to a convolution becomes its residual.
#include "passes/conv_node.h"
#include "passes/pass.h"

namespace engine {

Status pass_fuse_conv_residual(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    if (!is_node(&graph.nodes[i], "Add")) continue;
    for (size_t side : {size_t(0), size_t(1)}) {
      ValueId v = graph.nodes[i].inputs[side], residual = graph.nodes[i].inputs[1 - side];
      int conv = conv_of(rewriter, v);
      if (conv < 0 || residual == v) continue;
      Node node = graph.nodes[size_t(conv)];
      const TypeInfo& out = graph[v].type;
      const TypeInfo& other = graph[residual].type;
      if (!is_linear(node) || !out.static_shape() || !other.static_shape()) continue;
      if (!(out.shape == other.shape) || other.dtype != out.dtype) continue;
      node.inputs.resize(4, kNoValue);
      node.inputs[3] = residual;
      replace_product(rewriter, conv, int(i), std::move(node));
      break;
    }
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

// A constant vector over columns that is added to a product becomes its bias.
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

bool is_column_vector(const Graph& graph, ValueId v, ValueId product) {
  const Tensor* bias = graph.constant(v);
  const TypeInfo& out = graph[product].type;
  if (!bias || bias->dtype != DType::Float || !out.has_rank) return false;
  int rank = bias->shape.rank();
  return rank >= 1 && rank <= out.shape.rank() && bias->elements() == bias->shape.back() && bias->shape.back() == out.shape.back();
}

}  // namespace

Status pass_fuse_product_bias(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    if (!is_node(&graph.nodes[i], "Add")) continue;
    for (size_t side : {size_t(0), size_t(1)}) {
      ValueId v = graph.nodes[i].inputs[side], bias = graph.nodes[i].inputs[1 - side];
      int product = product_of(rewriter, v);
      if (product < 0) continue;
      Node node = graph.nodes[size_t(product)];
      if (node.inputs.size() != 2 || !has_no_activation(node) || !is_column_vector(graph, bias, v)) continue;
      node.inputs.push_back(bias);
      replace_product(rewriter, product, int(i), std::move(node));
      break;
    }
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

// Two products by constant matrices, of which the second alone reads the first, become one node where the tensor between them is
// larger than what caches keep.
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

constexpr int64_t kLeastBytes = 8 << 20;
constexpr int64_t kLeastRows = 1024;

// A row of the result follows from a row of input 0 and from constants.
bool takes_rows(const Graph& graph, const Node& product) {
  if (!is_product(&product) || !ints_of(product, "a_perm").empty() || !ints_of(product, "b_perm").empty()) return false;
  const TypeInfo& a = graph[product.inputs[0]].type;
  const Tensor* b = graph.constant(product.inputs[1]);
  return b && b->shape.rank() == 2 && a.static_shape() && a.shape.rank() >= 2;
}

Node joined(const Node& first, const Node& second) {
  Node node = first;
  node.op_type = "ProductPair";
  node.def = nullptr;
  node.inputs = {first.inputs[0], first.inputs[1], second.inputs[1], input_of(first, 2), input_of(second, 2), input_of(second, 3)};
  node.attributes = with_prefixed(first, "second_", second);
  return node;
}

}  // namespace

Status pass_fuse_product_pair(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  const size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    if (rewriter.removed(int(i)) || !takes_rows(graph, graph.nodes[i])) continue;
    const ValueId between = graph.nodes[i].inputs[0];
    const int first = product_of(rewriter, between);
    if (first < 0 || !takes_rows(graph, graph.nodes[size_t(first)]) || input_of(graph.nodes[size_t(first)], 3) >= 0) continue;
    const Shape& shape = graph[between].type.shape;
    if (shape.elements() * int64_t(sizeof(float)) < kLeastBytes || shape.elements(0, shape.rank() - 1) < kLeastRows) continue;
    replace_product(rewriter, first, int(i), joined(graph.nodes[size_t(first)], graph.nodes[i]));
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

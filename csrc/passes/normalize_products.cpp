// Float32 MatMul, and Gemm whose C is a vector over columns, become engine.FusedMatMul, into which other passes fuse.
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

bool is_float32(const Graph& graph, const Node& node) {
  for (ValueId v : node.inputs)
    if (v >= 0 && (!graph[v].type.is_tensor() || graph[v].type.dtype != DType::Float)) return false;
  return true;
}

// C is absent, or one value a column whose scale is 1.
bool takes_column_bias(const Graph& graph, const Node& gemm) {
  ValueId c = input_of(gemm, 2), b = gemm.inputs[1];
  if (c < 0) return true;
  const TypeInfo& bias = graph[c].type;
  const TypeInfo& right = graph[b].type;
  if (float_of(gemm, "beta", 1) != 1 || !bias.static_shape() || !right.static_shape() || right.shape.rank() != 2) return false;
  const std::vector<int64_t> trans = ints_of(gemm, "transB");
  int64_t columns = right.shape[!trans.empty() && trans[0] ? 0 : 1];
  return bias.shape.rank() >= 1 && bias.shape.back() == columns && bias.shape.elements() == columns;
}

void set_transpose(Node& node, const Node& gemm, const char* from, const char* to) {
  std::vector<int64_t> trans = ints_of(gemm, from);
  if (!trans.empty() && trans[0]) node.attributes = with_attribute(node, ints_attribute(to, {1, 0}));
}

}  // namespace

Status pass_normalize_products(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    const Node& node = graph.nodes[i];
    bool gemm = is_node(&node, "Gemm");
    if ((!gemm && !is_node(&node, "MatMul")) || !is_float32(graph, node)) continue;
    if (gemm && !takes_column_bias(graph, node)) continue;
    Node product;
    product.name = node.name;
    product.domain = "engine";
    product.op_type = "FusedMatMul";
    product.opset = 1;
    product.inputs = node.inputs;
    product.attributes = std::make_shared<const Attributes>();
    if (gemm) {
      set_transpose(product, node, "transA", "a_perm");
      set_transpose(product, node, "transB", "b_perm");
      if (float_of(node, "alpha", 1) != 1) product.attributes = with_attribute(product, float_attribute("alpha", float_of(node, "alpha", 1)));
    }
    int index = rewriter.add(std::move(product));
    rewriter.steal_outputs(int(i), index);
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

// BatchNormalization that follows no convolution becomes a product and a sum, which fuse with their neighbours.
#include "passes/channel_affine.h"
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

Result<ValueId> channel_constant(Rewriter& rewriter, std::string name, const std::vector<double>& values, int rank, MemoryAccount* account) {
  Shape shape = Shape::filled(rank - 1, 1);
  shape[0] = int64_t(values.size());
  ENGINE_ASSIGN(Tensor t, make_tensor(DType::Float, shape, account, "normalisation constants"));
  for (size_t c = 0; c < values.size(); ++c) t.as<float>()[c] = float(values[c]);
  return rewriter.add_constant(std::move(name), std::move(t));
}

Node binary(const Node& origin, const char* op, ValueId a, ValueId b) {
  Node node;
  node.name = origin.name + "/" + op;
  node.op_type = op;
  node.opset = 14;
  node.inputs = {a, b};
  node.attributes = std::make_shared<const Attributes>();
  return node;
}

}  // namespace

Status pass_split_batch_norm(Graph& graph, PassContext& context, bool* changed) {
  Rewriter rewriter(graph);
  size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    if (!is_node(&graph.nodes[i], "BatchNormalization")) continue;
    const Node node = graph.nodes[i];
    const TypeInfo type = graph[node.inputs[0]].type;
    if (!type.static_shape() || type.shape.rank() < 2) continue;
    auto affine = channel_affine(graph, node, node.inputs[0], type.shape[1]);
    if (!affine) continue;
    int rank = type.shape.rank();
    ENGINE_ASSIGN(ValueId factor, channel_constant(rewriter, node.name + "/factor", affine->factor, rank, context.account));
    ENGINE_ASSIGN(ValueId shift, channel_constant(rewriter, node.name + "/shift", affine->shift, rank, context.account));
    ValueId scaled = rewriter.add_value(node.name + "/scaled", type);
    Node product = binary(node, "Mul", node.inputs[0], factor);
    product.outputs = {scaled};
    rewriter.add(std::move(product));
    int sum = rewriter.add(binary(node, "Add", scaled, shift));
    rewriter.steal_outputs(int(i), sum);
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

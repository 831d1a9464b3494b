// Conv and ConvTranspose become engine.Conv, into which other passes fuse.
#include "passes/conv_node.h"
#include "passes/pass.h"

namespace engine {
namespace {

bool has_kernels(const Graph& graph, const Node& node) {
  DType dtype = graph[node.inputs[0]].type.dtype;
  if (dtype != DType::Float && dtype != DType::Float16 && dtype != DType::BFloat16) return false;
  for (ValueId v : node.inputs)
    if (v >= 0 && (!graph[v].type.is_tensor() || graph[v].type.dtype != dtype)) return false;
  return true;
}

}  // namespace

Status pass_normalize_convs(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    const Node& node = graph.nodes[i];
    bool transposed = is_node(&node, "ConvTranspose");
    if ((!transposed && !is_node(&node, "Conv")) || !has_kernels(graph, node)) continue;
    Node conv;
    conv.name = node.name;
    conv.domain = "engine";
    conv.op_type = "Conv";
    conv.opset = 1;
    conv.inputs = node.inputs;
    conv.attributes = node.attributes ? node.attributes : std::make_shared<const Attributes>();
    if (transposed) conv.attributes = with_attribute(conv, int_attribute("transposed", 1));
    int index = rewriter.add(std::move(conv));
    rewriter.steal_outputs(int(i), index);
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

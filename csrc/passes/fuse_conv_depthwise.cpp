// A dense convolution whose result only a depthwise one reads becomes one node with it, where both are channel-blocked and it pays.
#include "kernels/conv/conv_depthwise.h"
#include "ops/conv/conv_shape_of.h"
#include "passes/conv_node.h"
#include "passes/pass.h"

namespace engine {
namespace {

// The geometry of an engine.Conv whose types are known.
bool geometry(const Graph& graph, const Node& conv, ConvShape* shape) {
  const TypeInfo& x = graph[conv.inputs[0]].type;
  const TypeInfo& w = graph[conv.inputs[1]].type;
  if (!x.static_shape() || !w.static_shape() || w.shape.rank() < 3) return false;
  Shape plain = x.shape;
  if (int_of(conv, "in_block", 0)) {
    plain.erase(plain.rank() - 1);
    plain[1] = w.shape[1] * int_of(conv, "group", 1);
  }
  const TypeInfo* const types[] = {&x, &w, nullptr};
  const Tensor* const values[] = {nullptr, nullptr, nullptr};
  Shape output;
  return conv_shape_of(InferContext(conv, types, values), plain, 1, false, -1, shape, &output).ok();
}

bool constant_weights(const Graph& graph, const Node& conv) {
  const ValueId bias = input_of(conv, 2);
  return graph.constant(conv.inputs[1]) && (bias < 0 || graph.constant(bias));
}

// Blocked result, nothing added.
bool takes_part(const Graph& graph, const Node& conv) {
  return is_conv(&conv) && int_of(conv, "out_block", 0) && !is_transposed(conv) && input_of(conv, 3) < 0 && constant_weights(graph, conv);
}

bool pays(const Graph& graph, const Node& dense, const Node& depthwise) {
  ConvShape first, second;
  if (!geometry(graph, dense, &first) || !geometry(graph, depthwise, &second)) return false;
  return conv_depthwise_pays(first, int_of(dense, "in_block", 0) ? ChannelLayout::blocked : ChannelLayout::plain, second);
}

Node joined(const Node& dense, const Node& depthwise) {
  Node node = depthwise;
  node.op_type = "ConvDepthwise";
  node.def = nullptr;
  node.inputs = {dense.inputs[0], dense.inputs[1], depthwise.inputs[1], input_of(dense, 2), input_of(depthwise, 2)};
  node.attributes = with_prefixed(depthwise, "dense_", dense);
  return node;
}

}  // namespace

Status pass_fuse_conv_depthwise(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  const size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    if (!takes_part(graph, graph.nodes[i]) || !int_of(graph.nodes[i], "in_block", 0)) continue;
    const int dense = conv_of(rewriter, graph.nodes[i].inputs[0]);
    if (dense < 0 || !takes_part(graph, graph.nodes[size_t(dense)]) || !pays(graph, graph.nodes[size_t(dense)], graph.nodes[i])) continue;
    replace_product(rewriter, dense, int(i), joined(graph.nodes[size_t(dense)], graph.nodes[i]));
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

// Zeros that Pad puts around the spatial dimensions become pads of the convolution that follows.
#include "passes/conv_node.h"
#include "passes/pass.h"

namespace engine {
namespace {

// The pads of all dimensions, begins then ends; empty when the node pads with anything but zeros known now.
std::vector<int64_t> zero_pads(const Graph& graph, const Node& pad) {
  if (string_of(pad, "mode", "constant") != "constant") return {};
  if (pad.opset < 11) return float_of(pad, "value", 0) == 0 ? ints_of(pad, "pads") : std::vector<int64_t>();
  const Tensor* pads = graph.constant(input_of(pad, 1));
  if (!pads || pads->dtype != DType::Int64 || input_of(pad, 3) >= 0) return {};
  if (ValueId v = input_of(pad, 2); v >= 0) {
    const Tensor* value = graph.constant(v);
    if (!value || value->dtype != DType::Float || value->elements() != 1 || value->as<float>()[0] != 0) return {};
  }
  return std::vector<int64_t>(pads->as<int64_t>(), pads->as<int64_t>() + pads->elements());
}

// The convolution's pads with those of Pad added; empty when they cannot be.
std::vector<int64_t> joined_pads(const Graph& graph, const Node& pad, const Node& conv) {
  const TypeInfo& x = graph[pad.inputs[0]].type;
  if (!x.has_rank || x.shape.rank() < 3 || string_of(conv, "auto_pad", "NOTSET") != "NOTSET") return {};
  size_t rank = size_t(x.shape.rank()), spatial = rank - 2;
  std::vector<int64_t> more = zero_pads(graph, pad), pads = ints_of(conv, "pads");
  if (more.size() != 2 * rank || (!pads.empty() && pads.size() != 2 * spatial)) return {};
  if (more[0] || more[1] || more[rank] || more[rank + 1]) return {};
  pads.resize(2 * spatial, 0);
  for (size_t d = 0; d < spatial; ++d)
    for (size_t end : {size_t(0), size_t(1)}) {
      int64_t extra = more[end * rank + 2 + d];
      if (extra < 0 || extra > (1 << 20) || pads[end * spatial + d] < 0) return {};
      pads[end * spatial + d] += extra;
    }
  return pads;
}

}  // namespace

Status pass_fuse_pad_conv(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    if (!is_node(&graph.nodes[i], "Conv") && !(is_conv(&graph.nodes[i]) && !is_transposed(graph.nodes[i]))) continue;
    ValueId v = graph.nodes[i].inputs[0];
    const Node* pad = rewriter.producer_node(v);
    if (!is_node(pad, "Pad") || !rewriter.single_use(v) || graph[v].type.dtype != DType::Float) continue;
    std::vector<int64_t> pads = joined_pads(graph, *pad, graph.nodes[i]);
    if (pads.empty()) continue;
    ValueId x = pad->inputs[0];
    graph.nodes[i].attributes = with_attribute(graph.nodes[i], ints_attribute("pads", std::move(pads)));
    rewriter.set_input(int(i), 0, x);
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

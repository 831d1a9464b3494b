// BatchNormalization, factors and summands per channel after a convolution go into its weights and bias.
#include <cmath>

#include "passes/channel_affine.h"
#include "passes/conv_node.h"
#include "passes/pass.h"

namespace engine {
namespace {

// The output channel of row `row` (of the first two dimensions) of a weight.
int64_t channel_of(bool transposed, int64_t group, const Shape& w, int64_t row) {
  if (!transposed) return row / w[1];
  return row / w[1] / (w[0] / group) * w[1] + row % w[1];
}

// False when a number would leave the range of float32.
bool scale_run(const float* from, double factor, int64_t n, float* to) {
  bool leaves = false;
  for (int64_t i = 0; i < n; ++i) {
    to[i] = float(double(from[i]) * factor);
    leaves |= std::isfinite(from[i]) & !std::isfinite(to[i]);
  }
  return !leaves;
}

// False when a weight would leave the range of float32.
Result<bool> scaled_weight(const Node& conv, const Tensor& w, const ChannelAffine& a, MemoryAccount* account, Tensor* out) {
  ENGINE_ASSIGN(*out, make_tensor(DType::Float, w.shape, account, "folded weights"));
  const int64_t taps = w.shape.elements(2, w.shape.rank()), group = int_of(conv, "group", 1), elements = w.elements();
  const bool transposed = is_transposed(conv);
  const int64_t rows = transposed ? 1 : w.shape[1], run = rows * taps;  // elements of one channel that lie side by side
  for (int64_t i = 0; i < elements; i += run) {
    const double factor = a.factor[size_t(channel_of(transposed, group, w.shape, i / run * rows))];
    if (!scale_run(w.as<float>() + i, factor, run, out->as<float>() + i)) return false;
  }
  return true;
}

Result<Tensor> shifted_bias(const Tensor* bias, const ChannelAffine& a, MemoryAccount* account) {
  int64_t channels = int64_t(a.factor.size());
  ENGINE_ASSIGN(Tensor out, make_tensor(DType::Float, Shape{channels}, account, "folded bias"));
  for (int64_t c = 0; c < channels; ++c)
    out.as<float>()[c] = float((bias ? double(bias->as<float>()[c]) : 0.0) * a.factor[size_t(c)] + a.shift[size_t(c)]);
  return out;
}

Status fold(Rewriter& rewriter, int conv, int last, const ChannelAffine& a, MemoryAccount* account) {
  Graph& graph = rewriter.graph();
  Node node = graph.nodes[size_t(conv)];
  const std::shared_ptr<const Tensor> weight = graph[node.inputs[1]].constant;
  ValueId old_bias = input_of(node, 2);
  const std::shared_ptr<const Tensor> bias = old_bias < 0 ? nullptr : graph[old_bias].constant;
  if (a.scales) {
    Tensor scaled;
    ENGINE_ASSIGN(bool fits, scaled_weight(node, *weight, a, account, &scaled));
    if (!fits) return {};
    node.inputs[1] = rewriter.add_constant(graph[node.inputs[1]].name + "/folded", std::move(scaled));
  }
  ENGINE_ASSIGN(Tensor shifted, shifted_bias(bias.get(), a, account));
  if (node.inputs.size() < 3) node.inputs.resize(3, kNoValue);
  node.inputs[2] = rewriter.add_constant(node.name + "/bias", std::move(shifted));
  replace_product(rewriter, conv, last, std::move(node));
  return {};
}

bool foldable(const Graph& graph, const Node& conv) {
  if (!is_linear(conv) || graph[conv.inputs[0]].type.dtype != DType::Float || !graph.constant(conv.inputs[1])) return false;
  ValueId bias = input_of(conv, 2);
  return bias < 0 || (graph.constant(bias) && graph.constant(bias)->elements() == output_channels(graph, conv));
}

}  // namespace

Status pass_fold_channel_affine(Graph& graph, PassContext& context, bool* changed) {
  Rewriter rewriter(graph);
  size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    const Node& node = graph.nodes[i];
    if (rewriter.removed(int(i)) || !node.domain.empty()) continue;
    for (size_t side = 0; side < 2 && side < node.inputs.size(); ++side) {
      int conv = conv_of(rewriter, node.inputs[side]);
      if (conv < 0 || !foldable(graph, graph.nodes[size_t(conv)])) continue;
      auto affine = channel_affine(graph, node, node.inputs[side], output_channels(graph, graph.nodes[size_t(conv)]));
      if (!affine) continue;
      ENGINE_TRY(fold(rewriter, conv, int(i), *affine, context.account));
      break;
    }
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

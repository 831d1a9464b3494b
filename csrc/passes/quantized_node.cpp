#include "passes/quantized_node.h"

#include <cmath>

#include "passes/conv_node.h"

namespace engine {
namespace {

bool is_byte(DType d) { return d == DType::Uint8 || d == DType::Int8; }

}  // namespace

std::optional<Quantized> quantized_operands(const Graph& graph, const Node& node, DType dtype) {
  if (!is_byte(dtype) || int_of(node, "block_size", 0) != 0 || node.inputs.size() < 3) return {};
  Quantized q{node.inputs[0], node.inputs[1], node.inputs[2]};
  const Tensor *zero = graph.constant(q.zero), *scale = graph.constant(q.scale);
  if (!zero || !scale || zero->dtype != dtype || scale->dtype != DType::Float) return {};
  return q;
}

std::optional<Quantized> quantized_tensor(const Graph& graph, const Node& node, DType dtype) {
  std::optional<Quantized> q = quantized_operands(graph, node, dtype);
  if (!q) return {};
  std::optional<float> scale = scalar_constant(graph, q->scale);
  if (!scale || !std::isfinite(*scale) || !(*scale > 0) || graph.constant(q->zero)->elements() != 1) return {};
  return q;
}

std::optional<Quantized> dequantized(Rewriter& rewriter, ValueId v) {
  const Node* node = rewriter.producer_node(v);
  if (!is_node(node, "DequantizeLinear") || rewriter.graph()[v].type.dtype != DType::Float) return {};
  return quantized_tensor(rewriter.graph(), *node, rewriter.graph()[node->inputs[0]].type.dtype);
}

std::optional<Quantized> quantizes(const Graph& graph, const Node& node) {
  if (!is_node(&node, "QuantizeLinear") || graph[node.inputs[0]].type.dtype != DType::Float) return {};
  return quantized_tensor(graph, node, graph[node.outputs[0]].type.dtype);
}

bool same_quantization(const Graph& graph, const Quantized& a, const Quantized& b) {
  const Tensor &az = *graph.constant(a.zero), &bz = *graph.constant(b.zero);
  return az.dtype == bz.dtype && integer_at(az, 0) == integer_at(bz, 0) && *scalar_constant(graph, a.scale) == *scalar_constant(graph, b.scale);
}

}  // namespace engine

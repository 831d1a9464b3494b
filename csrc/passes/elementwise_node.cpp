#include "passes/elementwise_node.h"

#include <cmath>
#include <limits>
#include <string_view>

namespace engine {
namespace {

struct UnaryRow {
  const char* name;
  UnaryOp op;
  const char *a = nullptr, *b = nullptr;  // attributes
  float a_default = 0, b_default = 0;
};

constexpr UnaryRow kUnary[] = {
    {"Abs", UnaryOp::abs},
    {"Neg", UnaryOp::neg},
    {"Sign", UnaryOp::sign},
    {"Ceil", UnaryOp::ceil},
    {"Floor", UnaryOp::floor},
    {"Round", UnaryOp::round},
    {"Sqrt", UnaryOp::sqrt},
    {"Reciprocal", UnaryOp::reciprocal},
    {"Exp", UnaryOp::exp},
    {"Log", UnaryOp::log},
    {"Sin", UnaryOp::sin},
    {"Cos", UnaryOp::cos},
    {"Tanh", UnaryOp::tanh},
    {"Erf", UnaryOp::erf},
    {"Sigmoid", UnaryOp::sigmoid},
    {"Relu", UnaryOp::relu},
    {"LeakyRelu", UnaryOp::leaky_relu, "alpha", nullptr, 0.01f},
    {"Elu", UnaryOp::elu, "alpha", nullptr, 1.0f},
    {"Selu", UnaryOp::selu, "alpha", "gamma", 1.67326319217681884765625f, 1.05070102214813232421875f},
    {"Celu", UnaryOp::celu, "alpha", nullptr, 1.0f},
    {"Softplus", UnaryOp::softplus},
    {"Softsign", UnaryOp::softsign},
    {"HardSigmoid", UnaryOp::hard_sigmoid, "alpha", "beta", 0.2f, 0.5f},
    {"HardSwish", UnaryOp::hard_swish},
    {"Mish", UnaryOp::mish},
    {"Swish", UnaryOp::silu, "alpha", nullptr, 1.0f},
    {"QuickGelu", UnaryOp::silu, "alpha", nullptr, 1.702f},
    {"ThresholdedRelu", UnaryOp::thresholded_relu, "alpha", nullptr, 1.0f},
};

struct PairRow {
  const char* name;
  ElementwiseKind kind;
  int op;
};

constexpr PairRow kPairs[] = {
    {"Add", ElementwiseKind::binary, int(BinaryOp::add)},
    {"Sub", ElementwiseKind::binary, int(BinaryOp::sub)},
    {"Mul", ElementwiseKind::binary, int(BinaryOp::mul)},
    {"Div", ElementwiseKind::binary, int(BinaryOp::div)},
    {"Min", ElementwiseKind::binary, int(BinaryOp::min)},
    {"Max", ElementwiseKind::binary, int(BinaryOp::max)},
    {"PRelu", ElementwiseKind::binary, int(BinaryOp::prelu)},
    {"Equal", ElementwiseKind::compare, int(CompareOp::equal)},
    {"Less", ElementwiseKind::compare, int(CompareOp::less)},
    {"LessOrEqual", ElementwiseKind::compare, int(CompareOp::less_equal)},
    {"Greater", ElementwiseKind::compare, int(CompareOp::greater)},
    {"GreaterOrEqual", ElementwiseKind::compare, int(CompareOp::greater_equal)},
};

bool is_dtype(const Graph& graph, const Node& node, size_t i, DType dtype) {
  return i < node.inputs.size() && node.inputs[i] >= 0 && graph[node.inputs[i]].type.is_tensor() && graph[node.inputs[i]].type.dtype == dtype;
}

float attribute_or(const Node& node, const char* name, float fallback) {
  const Attribute* a = name && node.attributes ? find_attribute(*node.attributes, name) : nullptr;
  return a && !a->floats.empty() ? a->floats[0] : fallback;
}

std::optional<float> scalar_constant(const Graph& graph, const Node& node, size_t i) {
  const Tensor* t = i < node.inputs.size() ? graph.constant(node.inputs[i]) : nullptr;
  if (!t || t->dtype != DType::Float || t->elements() != 1) return {};
  return t->as<float>()[0];
}

ElementwiseInstruction unary(UnaryOp op, float a = 0, float b = 0) {
  return {ElementwiseKind::unary, int(op), 0, 0, 0, {a, b}};
}

std::optional<ElementwiseInstruction> clip(const Graph& graph, const Node& node) {
  float bounds[2] = {attribute_or(node, "min", std::numeric_limits<float>::lowest()), attribute_or(node, "max", std::numeric_limits<float>::max())};
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    if (node.inputs[i] < 0) continue;
    std::optional<float> bound = scalar_constant(graph, node, i);
    if (!bound || std::isnan(*bound)) return {};
    bounds[i - 1] = *bound;
  }
  return unary(UnaryOp::clip, bounds[0], bounds[1]);
}

std::optional<ElementwiseInstruction> pow(const Graph& graph, const Node& node) {
  if (std::optional<float> exponent = scalar_constant(graph, node, 1)) {
    if (*exponent == 2.0f) return unary(UnaryOp::square);
    if (*exponent == 3.0f) return unary(UnaryOp::cube);
  }
  if (!is_dtype(graph, node, 1, DType::Float)) return {};
  return ElementwiseInstruction{ElementwiseKind::binary, int(BinaryOp::pow), 0, 1, 0, {}};
}

std::optional<ElementwiseInstruction> gelu(const Node& node) {
  const Attribute* a = node.attributes ? find_attribute(*node.attributes, "approximate") : nullptr;
  bool tanh = a && !a->strings.empty() && a->strings[0] == "tanh";
  return unary(tanh ? UnaryOp::gelu_tanh : UnaryOp::gelu_erf);
}

}  // namespace

std::optional<ElementwiseInstruction> elementwise_instruction(const Graph& graph, const Node& node) {
  std::string_view name = node.op_type;
  if (!node.domain.empty() && !(node.domain == "com.microsoft" && (name == "QuickGelu" || name == "Gelu"))) return {};
  if (node.domain.empty() && node.opset < 7) return {};
  if (name == "Where" && is_dtype(graph, node, 0, DType::Bool) && is_dtype(graph, node, 1, DType::Float) && is_dtype(graph, node, 2, DType::Float))
    return ElementwiseInstruction{ElementwiseKind::select, 0, 0, 1, 2, {}};
  if (!is_dtype(graph, node, 0, DType::Float)) return {};
  if (name == "Clip") return clip(graph, node);
  if (name == "Pow") return pow(graph, node);
  if (name == "Gelu" && node.inputs.size() == 1) return gelu(node);
  if (name == "IsNaN") return ElementwiseInstruction{ElementwiseKind::predicate, int(PredicateOp::is_nan), 0, 0, 0, {}};
  for (const UnaryRow& row : kUnary)
    if (name == row.name && node.inputs.size() == 1)
      return unary(row.op, attribute_or(node, row.a, row.a_default), attribute_or(node, row.b, row.b_default));
  if (node.inputs.size() != 2 || !is_dtype(graph, node, 1, DType::Float)) return {};
  for (const PairRow& row : kPairs)
    if (name == row.name) return ElementwiseInstruction{row.kind, row.op, 0, 1, 0, {}};
  return {};
}

}  // namespace engine

#include "passes/channel_affine.h"

#include <cmath>

#include "passes/conv_node.h"

namespace engine {
namespace {

const float* vector_of(const Graph& graph, ValueId v, int64_t channels) {
  const Tensor* t = graph.constant(v);
  return t && t->dtype == DType::Float && t->shape.rank() == 1 && t->elements() == channels ? t->as<float>() : nullptr;
}

bool batch_norm(const Graph& graph, const Node& node, int64_t channels, ChannelAffine* out) {
  if (node.inputs.size() != 5 || int_of(node, "training_mode", 0) != 0 || int_of(node, "spatial", 1) != 1 || node.outputs.size() != 1) return false;
  const float* parts[4];
  for (size_t i = 0; i < 4; ++i)
    if (!(parts[i] = vector_of(graph, node.inputs[i + 1], channels))) return false;
  double epsilon = double(float_of(node, "epsilon", 1e-5f));
  for (int64_t c = 0; c < channels; ++c) {
    double factor = double(parts[0][c]) / std::sqrt(double(parts[3][c]) + epsilon);
    out->factor[size_t(c)] = factor;
    out->shift[size_t(c)] = double(parts[1][c]) - double(parts[2][c]) * factor;
  }
  return true;
}

// A constant that varies along channels only, spread over them: shapes [C, 1...], [1, C, 1...] or one element.
bool spread_constant(const Graph& graph, ValueId v, int rank, int64_t channels, std::vector<double>* out) {
  const Tensor* t = graph.constant(v);
  if (!t || t->dtype != DType::Float || t->shape.rank() > rank) return false;
  int64_t count = t->elements();
  if (count != 1 && (count != channels || t->shape.rank() < rank - 1 || t->shape[t->shape.rank() - (rank - 1)] != channels)) return false;
  for (int64_t c = 0; c < channels; ++c) (*out)[size_t(c)] = double(t->as<float>()[count == 1 ? 0 : c]);
  return true;
}

bool arithmetic(const Graph& graph, const Node& node, ValueId x, int64_t channels, ChannelAffine* out) {
  bool left = node.inputs[0] == x;
  ValueId other = node.inputs[left ? 1 : 0];
  const std::string& op = node.op_type;
  std::vector<double> k(size_t(channels), 0.0);
  if (other == x || !spread_constant(graph, other, graph[x].type.shape.rank(), channels, &k)) return false;
  if ((op == "Sub" || op == "Div") && !left) return false;
  for (size_t c = 0; c < k.size(); ++c) {
    if (op == "Mul") out->factor[c] = k[c];
    else if (op == "Div") out->factor[c] = 1 / k[c];
    else out->shift[c] = op == "Add" ? k[c] : -k[c];
  }
  return true;
}

}  // namespace

std::optional<ChannelAffine> channel_affine(const Graph& graph, const Node& node, ValueId x, int64_t channels) {
  const TypeInfo& type = graph[x].type;
  if (!node.domain.empty() || channels < 1 || type.dtype != DType::Float || !type.has_rank || type.shape.rank() < 2) return std::nullopt;
  ChannelAffine a;
  a.x = x;
  a.factor.assign(size_t(channels), 1.0);
  a.shift.assign(size_t(channels), 0.0);
  bool ok = false;
  if (node.op_type == "BatchNormalization") ok = node.inputs[0] == x && batch_norm(graph, node, channels, &a);
  else if (node.op_type == "Mul" || node.op_type == "Add" || node.op_type == "Sub" || node.op_type == "Div")
    ok = arithmetic(graph, node, x, channels, &a);
  if (!ok) return std::nullopt;
  for (size_t c = 0; c < a.factor.size(); ++c) {
    if (!std::isfinite(float(a.factor[c])) || !std::isfinite(float(a.shift[c]))) return std::nullopt;
    a.scales |= a.factor[c] != 1.0;
  }
  return a;
}

}  // namespace engine

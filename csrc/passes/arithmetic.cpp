#include "passes/arithmetic.h"

#include <algorithm>
#include <cmath>

#include "passes/product_node.h"

namespace engine {
namespace {

void take_apart(Rewriter& rewriter, ValueId v, bool root, Factors* out) {
  const Graph& graph = rewriter.graph();
  if (std::optional<double> c = float_constant(graph, v)) {
    out->factor *= *c;
    out->rank = std::max(out->rank, graph.constant(v)->shape.rank());
    return;
  }
  const Node* node = root || rewriter.single_use(v) ? rewriter.producer_node(v) : nullptr;
  if (is_node(node, "Mul")) {
    take_apart(rewriter, node->inputs[0], false, out);
    take_apart(rewriter, node->inputs[1], false, out);
    return;
  }
  if (is_node(node, "Div")) {
    std::optional<double> c = float_constant(graph, node->inputs[1]);
    if (c && *c != 0) {
      out->factor /= *c;
      out->rank = std::max(out->rank, graph.constant(node->inputs[1])->shape.rank());
      return take_apart(rewriter, node->inputs[0], false, out);
    }
  }
  if (is_node(node, "Pow")) {
    std::optional<double> c = float_constant(graph, node->inputs[1]);
    if (c && (*c == 2 || *c == 3)) {
      out->rank = std::max(out->rank, graph.constant(node->inputs[1])->shape.rank());
      out->values.insert(out->values.end(), size_t(*c), node->inputs[0]);
      return;
    }
  }
  out->values.push_back(v);
}

}  // namespace

std::optional<double> float_constant(const Graph& graph, ValueId v) {
  const Tensor* t = graph.constant(v);
  if (!t || !contains(dtypes::kFloats, t->dtype) || t->elements() != 1) return std::nullopt;
  return number_at(*t, 0);
}

Factors factors_of(Rewriter& rewriter, ValueId v, bool root) {
  Factors out;
  take_apart(rewriter, v, root, &out);
  return out;
}

std::optional<Shifted> shifted(Rewriter& rewriter, ValueId v) {
  const Node* node = rewriter.producer_node(v);
  if (!is_node(node, "Add") || !rewriter.single_use(v)) return std::nullopt;
  for (size_t side : {size_t(0), size_t(1)})
    if (std::optional<double> c = float_constant(rewriter.graph(), node->inputs[side]))
      return Shifted{node->inputs[1 - side], *c, rewriter.graph().constant(node->inputs[side])->shape.rank()};
  return std::nullopt;
}

std::optional<ValueId> squared(Rewriter& rewriter, ValueId v) {
  const Node* node = rewriter.producer_node(v);
  if (is_node(node, "Mul") && node->inputs[0] == node->inputs[1]) return node->inputs[0];
  if (!is_node(node, "Pow")) return std::nullopt;
  const Tensor* power = rewriter.graph().constant(node->inputs[1]);
  if (!power || power->elements() != 1 || !contains(dtypes::kNumeric, power->dtype) || number_at(*power, 0) != 2) return std::nullopt;
  return node->inputs[0];
}

bool is_about(double found, double meant, DType dtype) {
  double tolerance = dtype == DType::BFloat16 ? 8e-3 : dtype == DType::Float16 ? 1e-3 : 1e-5;
  return std::abs(found - meant) <= tolerance * std::abs(meant);
}

bool keeps_shape(const Graph& graph, ValueId x, int rank) {
  const TypeInfo& type = graph[x].type;
  if (!type.is_tensor() || !contains(dtypes::kFloats, type.dtype)) return false;
  return rank == 0 || (type.has_rank && rank <= type.shape.rank());
}

bool same_type(const Graph& graph, ValueId a, ValueId b) {
  const TypeInfo &x = graph[a].type, &y = graph[b].type;
  if (!x.is_tensor() || !y.is_tensor() || x.dtype != y.dtype || !x.has_rank || !y.has_rank || x.shape.rank() != y.shape.rank()) return false;
  for (int d = 0; d < x.shape.rank(); ++d)
    if (x.shape[d] != y.shape[d] && x.shape[d] != kUnknownDim && y.shape[d] != kUnknownDim) return false;
  return true;
}

void replace_node(Rewriter& rewriter, int root, const char* op_type, int opset, std::vector<ValueId> inputs, Attributes attributes) {
  Node node;
  node.name = rewriter.graph().nodes[size_t(root)].name;
  node.op_type = op_type;
  node.opset = opset;
  node.inputs = std::move(inputs);
  node.attributes = std::make_shared<const Attributes>(std::move(attributes));
  rewriter.steal_outputs(root, rewriter.add(std::move(node)));
}

}  // namespace engine

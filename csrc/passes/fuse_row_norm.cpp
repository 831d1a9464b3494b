// Layer and RMS normalisation as exporters spell them become LayerNormalization and RMSNormalization:
//   d = x - mean(x);  d / sqrt(mean(d^2) + epsilon) [* scale [+ bias]]
//   x / sqrt(mean(x^2) + epsilon) [* scale]
// over the last axes, the root taken by Sqrt or Pow, the quotient by Div, Reciprocal or Pow.
#include <algorithm>

#include "ops/elementwise/convert.h"
#include "passes/arithmetic.h"
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

struct Mean {
  ValueId of = kNoValue;
  std::vector<int64_t> axes;
};

struct Match {
  ValueId x = kNoValue;
  bool center = false;
  double epsilon = 0;
  int axis = 0;            // from this one on
  int last = -1;           // the node whose output is the result
  ValueId scale = kNoValue, bias = kNoValue;
};

class Fuser {
 public:
  Fuser(Graph& graph, MemoryAccount* account) : graph_(graph), rewriter_(graph), account_(account) {}

  Status run(bool* changed) {
    size_t count = graph_.nodes.size();
    for (size_t i = 0; i < count; ++i) {
      Match m;
      if (rewriter_.removed(int(i)) || !match(int(i), &m)) continue;
      follow(&m);
      ENGINE_TRY(fuse(m));
    }
    *changed = rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  const Shape& shape(ValueId v) const { return graph_[v].type.shape; }
  Node* producer(ValueId v) { return rewriter_.producer_node(v); }

  // r when v is r ** power (0.5: also Sqrt).
  std::optional<ValueId> power_of(ValueId v, double power) {
    const Node* node = producer(v);
    if (power == 0.5 && is_node(node, "Sqrt")) return node->inputs[0];
    if (is_node(node, "Pow") && float_constant(graph_, node->inputs[1]) == power) return node->inputs[0];
    return std::nullopt;
  }

  // e when v is 1 / sqrt(e).
  std::optional<ValueId> inverse_root(ValueId v) {
    const Node* node = producer(v);
    if (is_node(node, "Reciprocal")) return power_of(node->inputs[0], 0.5);
    if (is_node(node, "Div") && float_constant(graph_, node->inputs[0]) == 1.0) return power_of(node->inputs[1], 0.5);
    return power_of(v, -0.5);
  }

  std::optional<Mean> mean_of(ValueId v) {
    const Node* node = producer(v);
    if (!is_node(node, "ReduceMean")) return std::nullopt;
    std::vector<int64_t> keep = ints_of(*node, "keepdims");
    if (!keep.empty() && keep[0] == 0) return std::nullopt;
    Mean m{node->inputs[0], ints_of(*node, "axes")};
    if (ValueId axes = input_of(*node, 1); axes >= 0) {
      const Tensor* t = graph_.constant(axes);
      if (!t) return std::nullopt;
      for (int64_t i = 0; i < t->elements(); ++i) m.axes.push_back(integer_at(*t, i));
    }
    int rank = graph_[m.of].type.has_rank ? shape(m.of).rank() : 0;
    for (int64_t& a : m.axes) a = a < 0 ? a + rank : a;
    std::sort(m.axes.begin(), m.axes.end());
    return rank == 0 || m.axes.empty() ? std::nullopt : std::optional<Mean>(m);
  }

  bool match(int root, Match* m) {
    const Node& node = graph_.nodes[size_t(root)];
    if (is_node(&node, "Div")) {
      std::optional<ValueId> e = power_of(node.inputs[1], 0.5);
      m->last = root;
      return e && match_square(node.inputs[0], *e, m);
    }
    if (!is_node(&node, "Mul")) return false;
    for (size_t side : {size_t(0), size_t(1)}) {
      std::optional<ValueId> e = inverse_root(node.inputs[side]);
      m->last = root;
      if (e && match_square(node.inputs[1 - side], *e, m)) return true;
    }
    return false;
  }

  // e is mean(d^2) + epsilon.
  bool match_square(ValueId d, ValueId e, Match* m) {
    const Node* add = producer(e);
    if (!is_node(add, "Add")) return false;
    for (size_t side : {size_t(0), size_t(1)}) {
      std::optional<double> epsilon = float_constant(graph_, add->inputs[side]);
      std::optional<Mean> mean = epsilon ? mean_of(add->inputs[1 - side]) : std::nullopt;
      if (!mean || squared(rewriter_, mean->of) != d || !(*epsilon >= 0)) continue;
      m->epsilon = *epsilon;
      find_center(d, *mean, m);
      return is_row(m, mean->axes);
    }
    return false;
  }

  void find_center(ValueId d, const Mean& square, Match* m) {
    m->x = d;
    const Node* sub = producer(d);
    if (!is_node(sub, "Sub")) return;
    std::optional<Mean> mean = mean_of(sub->inputs[1]);
    if (!mean || mean->of != sub->inputs[0] || mean->axes != square.axes) return;
    m->center = true;
    m->x = mean->of;
  }

  // The axes are the last ones, and their dimensions are known.
  bool is_row(Match* m, const std::vector<int64_t>& axes) {
    const TypeInfo& type = graph_[m->x].type;
    if (!type.has_rank || !contains(dtypes::kFloats, type.dtype) || !same_type(graph_, m->x, result(*m))) return false;
    int rank = type.shape.rank();
    m->axis = rank - int(axes.size());
    for (size_t i = 0; i < axes.size(); ++i)
      if (axes[i] != m->axis + int64_t(i) || type.shape[int(axes[i])] <= 0) return false;
    return m->axis >= 0;
  }

  ValueId result(const Match& m) const { return graph_.nodes[size_t(m.last)].outputs[0]; }

  // v is broadcast to a row of x and has its dtype.
  bool is_row_operand(const Match& m, ValueId v) const {
    const TypeInfo &type = graph_[v].type, &x = graph_[m.x].type;
    if (!type.static_shape() || type.dtype != x.dtype || type.shape.rank() > x.shape.rank()) return false;
    for (int d = 0; d < type.shape.rank(); ++d) {
      int at = x.shape.rank() - 1 - d;
      int64_t have = type.shape[type.shape.rank() - 1 - d];
      if (have != 1 && (at < m.axis || have != x.shape[at])) return false;
    }
    return true;
  }

  // The other operand of the only user of the result, when it is such a node and operand.
  ValueId next_operand(Match* m, const char* op_type) {
    ValueId v = result(*m);
    if (!rewriter_.single_use(v)) return kNoValue;
    int user = rewriter_.uses(v)[0];
    const Node& node = graph_.nodes[size_t(user)];
    if (!is_node(&node, op_type)) return kNoValue;
    ValueId other = node.inputs[node.inputs[0] == v ? 1 : 0];
    if (!is_row_operand(*m, other)) return kNoValue;
    m->last = user;
    return other;
  }

  void follow(Match* m) {
    m->scale = next_operand(m, "Mul");
    if (m->center) m->bias = next_operand(m, "Add");
  }

  Status fuse(const Match& m) {
    ValueId scale = m.scale;
    if (scale < 0) {
      DType dtype = graph_[m.x].type.dtype;
      ENGINE_ASSIGN(Tensor one, make_tensor(dtype, {1}, account_, "scale"));
      float value = 1;
      Converter(DType::Float, dtype)(&value, one.data, 1);
      scale = rewriter_.add_constant(graph_[m.x].name + ".scale", std::move(one));
    }
    std::vector<ValueId> inputs{m.x, scale};
    if (m.bias >= 0) inputs.push_back(m.bias);
    Attributes attributes{int_attribute("axis", m.axis), float_attribute("epsilon", float(m.epsilon))};
    replace_node(rewriter_, m.last, m.center ? "LayerNormalization" : "RMSNormalization", m.center ? 17 : 23, std::move(inputs), std::move(attributes));
    return {};
  }

  Graph& graph_;
  Rewriter rewriter_;
  MemoryAccount* account_;
};

}  // namespace

Status pass_fuse_row_norm(Graph& graph, PassContext& context, bool* changed) { return Fuser(graph, context.account).run(changed); }

}  // namespace engine

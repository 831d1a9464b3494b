// GELU as exporters spell it becomes Gelu, whatever the order of its factors:
//   0.5 x (1 + erf(x / sqrt(2)))
//   0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
#include <algorithm>

#include "passes/arithmetic.h"
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

constexpr double kSqrtHalf = 0.70710678118654752;
constexpr double kSqrtTwoOverPi = 0.79788456080286536;
constexpr double kCubic = 0.044715;

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), rewriter_(graph) {}

  Status run(bool* changed) {
    size_t count = graph_.nodes.size();
    for (size_t i = 0; i < count; ++i)
      if (!rewriter_.removed(int(i)) && (is_node(&graph_.nodes[i], "Mul") || is_node(&graph_.nodes[i], "Div"))) match(int(i));
    *changed = rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  void match(int root) {
    ValueId out = graph_.nodes[size_t(root)].outputs[0];
    Factors p = factors_of(rewriter_, out, true);
    if (p.values.size() != 2) return;
    for (size_t side : {size_t(0), size_t(1)}) {
      ValueId x = p.values[side];
      dtype_ = graph_[x].type.dtype;
      rank_ = p.rank;
      const char* form = gate(x, p.values[1 - side], p.factor);
      if (!form || !keeps_shape(graph_, x, rank_)) continue;
      replace_node(rewriter_, root, "Gelu", 20, {x}, {string_attribute("approximate", form)});
      return;
    }
  }

  // The form of Gelu when factor * s is 0.5 (1 + f(x)).
  const char* gate(ValueId x, ValueId s, double factor) {
    std::optional<Shifted> sum = shifted(rewriter_, s);
    if (!sum) return nullptr;
    Factors f = factors(sum->value);
    rank_ = std::max(rank_, sum->rank);
    if (f.values.size() != 1 || !is_about(f.factor, sum->constant, dtype_) || !is_about(factor * sum->constant, 0.5, dtype_)) return nullptr;
    const Node* node = rewriter_.single_use(f.values[0]) ? rewriter_.producer_node(f.values[0]) : nullptr;
    if (is_node(node, "Erf")) return is_scaled(x, node->inputs[0]) ? "none" : nullptr;
    if (is_node(node, "Tanh")) return is_cubic(x, node->inputs[0]) ? "tanh" : nullptr;
    return nullptr;
  }

  Factors factors(ValueId v) {
    Factors f = factors_of(rewriter_, v);
    rank_ = std::max(rank_, f.rank);
    return f;
  }

  bool is_scaled(ValueId x, ValueId u) {
    Factors f = factors(u);
    return f.values == std::vector<ValueId>{x} && is_about(f.factor, kSqrtHalf, dtype_);
  }

  // u = sqrt(2 / pi) (x + 0.044715 x^3), or with x before the brackets.
  bool is_cubic(ValueId x, ValueId u) {
    Factors f = factors(u);
    if (!is_about(f.factor, kSqrtTwoOverPi, dtype_)) return false;
    if (f.values.size() == 1) return is_sum(x, f.values[0]);
    if (f.values.size() != 2) return false;
    for (size_t side : {size_t(0), size_t(1)}) {
      std::optional<Shifted> sum = f.values[side] == x ? shifted(rewriter_, f.values[1 - side]) : std::nullopt;
      if (!sum || sum->constant != 1 || !is_power(x, sum->value, 2)) continue;
      rank_ = std::max(rank_, sum->rank);
      return true;
    }
    return false;
  }

  bool is_sum(ValueId x, ValueId v) {
    const Node* add = rewriter_.single_use(v) ? rewriter_.producer_node(v) : nullptr;
    if (!is_node(add, "Add")) return false;
    ValueId a = add->inputs[0], b = add->inputs[1];
    return (a == x && is_power(x, b, 3)) || (b == x && is_power(x, a, 3));
  }

  bool is_power(ValueId x, ValueId v, size_t power) {
    Factors f = factors(v);
    return f.values == std::vector<ValueId>(power, x) && is_about(f.factor, kCubic, dtype_);
  }

  Graph& graph_;
  Rewriter rewriter_;
  DType dtype_ = DType::Float;
  int rank_ = 0;           // the largest rank of the constants met
};

}  // namespace

Status pass_fuse_gelu(Graph& graph, PassContext&, bool* changed) { return Fuser(graph).run(changed); }

}  // namespace engine

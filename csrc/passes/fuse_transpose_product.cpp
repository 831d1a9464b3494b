// Transposes of a product's operands become permuted views, and factors of operands or result become alpha.
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), rewriter_(graph) {}

  Status run(bool* changed) {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (rewriter_.removed(int(i)) || !is_product(&graph_.nodes[i])) continue;
      for (int operand : {0, 1})
        while (absorb_transpose(int(i), operand) || absorb_factor(int(i), operand)) {
        }
      absorb_result_factor(int(i));
    }
    *changed = rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  bool absorb_transpose(int product, int operand) {
    ValueId v = graph_.nodes[size_t(product)].inputs[size_t(operand)];
    const Node* transpose = rewriter_.producer_node(v);
    if (!is_node(transpose, "Transpose") || !rewriter_.single_use(v)) return false;
    ValueId source = transpose->inputs[0];
    if (!graph_[source].type.has_rank) return false;
    std::vector<int64_t> perm = ints_of(*transpose, "perm");
    int rank = graph_[source].type.shape.rank();
    if (perm.empty())
      for (int d = rank - 1; d >= 0; --d) perm.push_back(d);
    if (int(perm.size()) != rank || rank < 2) return false;
    const char* name = operand == 0 ? "a_perm" : "b_perm";
    std::vector<int64_t> own = ints_of(graph_.nodes[size_t(product)], name);
    if (!own.empty() && own.size() != perm.size()) return false;
    for (int64_t& axis : own) axis = perm[size_t(axis)];
    int node = rewriter_.producer(v);
    rewriter_.set_input(product, operand, source);
    set(product, ints_attribute(name, own.empty() ? perm : own));
    rewriter_.remove(node);
    return true;
  }

  // `v` = x * constant or x / constant, with x's shape: x and the factor.
  bool scaled(ValueId v, ValueId* x, float* factor) {
    const Node* node = rewriter_.producer_node(v);
    bool mul = is_node(node, "Mul"), div = is_node(node, "Div");
    if ((!mul && !div) || !rewriter_.single_use(v)) return false;
    for (size_t side : {size_t(1), size_t(0)}) {
      if (div && side == 0) break;
      std::optional<float> value = scalar_constant(graph_, node->inputs[side]);
      *x = node->inputs[1 - side];
      const TypeInfo& type = graph_[*x].type;
      if (!value || !type.has_rank || graph_[node->inputs[side]].type.shape.rank() > type.shape.rank()) continue;
      *factor = mul ? *value : 1.0f / *value;
      return true;
    }
    return false;
  }

  bool absorb_factor(int product, int operand) {
    ValueId v = graph_.nodes[size_t(product)].inputs[size_t(operand)], x;
    float factor;
    if (graph_.constant(v) || !scaled(v, &x, &factor)) return false;
    int node = rewriter_.producer(v);
    rewriter_.set_input(product, operand, x);
    scale(product, factor);
    rewriter_.remove(node);
    return true;
  }

  void absorb_result_factor(int product) {
    const Node& node = graph_.nodes[size_t(product)];
    ValueId v = node.outputs[0], x;
    float factor;
    if (node.inputs.size() > 2 || !has_no_activation(node) || !rewriter_.single_use(v)) return;
    int user = rewriter_.uses(v)[0];
    ValueId result = graph_.nodes[size_t(user)].outputs.empty() ? kNoValue : graph_.nodes[size_t(user)].outputs[0];
    if (result < 0 || !scaled_result(user, v, &x, &factor)) return;
    scale(product, factor);
    Node changed = graph_.nodes[size_t(product)];
    replace_product(rewriter_, product, user, std::move(changed));
  }

  bool scaled_result(int user, ValueId v, ValueId* x, float* factor) {
    const Node& node = graph_.nodes[size_t(user)];
    bool mul = is_node(&node, "Mul"), div = is_node(&node, "Div");
    if (!mul && !div) return false;
    size_t side = node.inputs[0] == v ? 1 : 0;
    if (div && side == 0) return false;
    std::optional<float> value = scalar_constant(graph_, node.inputs[side]);
    const TypeInfo& type = graph_[v].type;
    if (!value || !type.has_rank || graph_[node.inputs[side]].type.shape.rank() > type.shape.rank()) return false;
    *x = v;
    *factor = mul ? *value : 1.0f / *value;
    return true;
  }

  void set(int product, Attribute attribute) {
    graph_.nodes[size_t(product)].attributes = with_attribute(graph_.nodes[size_t(product)], std::move(attribute));
  }
  void scale(int product, float factor) {
    set(product, float_attribute("alpha", float_of(graph_.nodes[size_t(product)], "alpha", 1) * factor));
  }

  Graph& graph_;
  Rewriter rewriter_;
};

}  // namespace

Status pass_fuse_transpose_product(Graph& graph, PassContext&, bool* changed) { return Fuser(graph).run(changed); }

}  // namespace engine

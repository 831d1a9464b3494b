// Attention as exporters spell it becomes engine.Attention:
//   product(Q, K) [+ mask] -> Softmax over keys [-> Where(IsNaN(p), 0, p)] -> product(., V) [-> Transpose]
// with the transposes that the products have absorbed, and K and V repeated for groups of heads read where they are.
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

struct Match {
  int scores = -1, add = -1, softmax = -1, is_nan = -1, where = -1, values = -1, transpose = -1;
  ValueId mask = kNoValue;
};

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), rewriter_(graph) {}

  Status run(bool* changed) {
    size_t count = graph_.nodes.size();
    for (size_t i = 0; i < count; ++i) {
      if (rewriter_.removed(int(i)) || !is_node(&graph_.nodes[i], "Softmax")) continue;
      Match m;
      m.softmax = int(i);
      if (match_scores(&m) && match_values(&m)) fuse(m);
    }
    *changed = rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  const Node& node(int i) const { return graph_.nodes[size_t(i)]; }
  const Shape* shape_of(ValueId v) const { return v >= 0 && graph_[v].type.static_shape() ? &graph_[v].type.shape : nullptr; }

  bool is_bare_product(int i) const {
    return i >= 0 && node(i).inputs.size() == 2 && has_no_activation(node(i)) && shape_of(node(i).inputs[0]) && shape_of(node(i).inputs[1]);
  }

  bool over_last_axis(const Node& softmax) const {
    const Shape* shape = shape_of(softmax.inputs[0]);
    std::vector<int64_t> axis = ints_of(softmax, "axis");
    int64_t value = axis.empty() ? (softmax.opset >= 13 ? -1 : 1) : axis[0];
    return shape && (shape->rank() == 3 || shape->rank() == 4) && (value == -1 || value == shape->rank() - 1);
  }

  bool match_scores(Match* m) {
    const Node& softmax = node(m->softmax);
    ValueId x = softmax.inputs[0];
    if (!over_last_axis(softmax) || !rewriter_.single_use(x)) return false;
    m->scores = product_of(rewriter_, x);
    if (is_node(rewriter_.producer_node(x), "Add")) {
      m->add = rewriter_.producer(x);
      for (size_t side : {size_t(0), size_t(1)}) {
        int product = product_of(rewriter_, node(m->add).inputs[side]);
        ValueId mask = node(m->add).inputs[1 - side];
        if (product < 0 || !shape_of(mask) || graph_[mask].type.dtype != DType::Float) continue;
        if (!is_bare_product(product) || !(*shape_of(node(product).outputs[0]) == *shape_of(x))) continue;
        m->scores = product;
        m->mask = mask;
        break;
      }
    }
    return is_bare_product(m->scores);
  }

  // p's only use as the left operand of a product, directly or through Where(IsNaN(p), 0, p).
  bool match_values(Match* m) {
    ValueId p = node(m->softmax).outputs[0];
    if (rewriter_.is_output(p)) return false;
    if (rewriter_.uses(p).size() == 2) {
      for (int user : rewriter_.uses(p)) (is_node(&node(user), "IsNaN") ? m->is_nan : m->where) = user;
      if (m->is_nan < 0 || m->where < 0 || !is_node(&node(m->where), "Where")) return false;
      const Node& where = node(m->where);
      std::optional<float> zero = scalar_constant(graph_, where.inputs[1]);
      if (where.inputs[0] != node(m->is_nan).outputs[0] || where.inputs[2] != p || !zero || *zero != 0) return false;
      if (!rewriter_.single_use(where.inputs[0]) || graph_.constant(where.inputs[1])->shape.rank() > graph_[p].type.shape.rank()) return false;
      p = where.outputs[0];
    }
    if (!rewriter_.single_use(p)) return false;
    m->values = rewriter_.uses(p)[0];
    const Node& product = node(m->values);
    if (!is_product(&product) || !is_bare_product(m->values) || product.inputs[0] != p) return false;
    if (!ints_of(product, "a_perm").empty() || float_of(product, "alpha", 1) != 1) return false;
    ValueId y = product.outputs[0];
    if (rewriter_.single_use(y) && is_node(&node(rewriter_.uses(y)[0]), "Transpose")) {
      std::vector<int64_t> perm = ints_of(node(rewriter_.uses(y)[0]), "perm");
      if (!perm.empty() && perm.back() == int64_t(perm.size()) - 1) m->transpose = rewriter_.uses(y)[0];
    }
    return operands_fit(*m);
  }

  static std::vector<int64_t> permutation(const Node& product, const char* name, int rank) {
    std::vector<int64_t> perm = ints_of(product, name);
    if (perm.empty())
      for (int d = 0; d < rank; ++d) perm.push_back(d);
    return perm;
  }

  // Every operand has as many dimensions as the scores, and none is broadcast.
  bool operands_fit(const Match& m) const {
    const Shape& scores = *shape_of(node(m.scores).outputs[0]);
    int rank = scores.rank();
    auto leads = [&](const Node& product, size_t i, const char* name) {
      const Shape& s = *shape_of(product.inputs[i]);
      if (s.rank() != rank) return false;
      std::vector<int64_t> perm = permutation(product, name, rank);
      for (int d = 0; d < rank - 2; ++d)
        if (s[int(perm[size_t(d)])] != scores[d]) return false;
      return true;
    };
    return leads(node(m.scores), 0, "a_perm") && leads(node(m.scores), 1, "b_perm") && leads(node(m.values), 1, "b_perm");
  }

  void fuse(const Match& m) {
    const Node &scores = node(m.scores), &values = node(m.values);
    int rank = graph_[scores.outputs[0]].type.shape.rank();
    std::vector<int64_t> k = permutation(scores, "b_perm", rank), v = permutation(values, "b_perm", rank);
    std::swap(k[size_t(rank) - 1], k[size_t(rank) - 2]);
    Node attention;
    attention.name = scores.name;
    attention.domain = "engine";
    attention.op_type = "Attention";
    attention.opset = 1;
    attention.inputs = {scores.inputs[0], repeated_source(scores.inputs[1], k), repeated_source(values.inputs[1], v)};
    if (graph_[attention.inputs[1]].type.shape.rank() != 4 || graph_[attention.inputs[1]].type.shape[1] != graph_[attention.inputs[2]].type.shape[1]) {
      attention.inputs[1] = scores.inputs[1];
      attention.inputs[2] = values.inputs[1];
    }
    if (m.mask >= 0) attention.inputs.push_back(m.mask);
    Attributes attributes = {ints_attribute("q_perm", permutation(scores, "a_perm", rank)), ints_attribute("k_perm", k), ints_attribute("v_perm", v),
                             float_attribute("scale", float_of(scores, "alpha", 1)), int_attribute("nan_rows_to_zero", m.where >= 0)};
    if (m.transpose >= 0) attributes.push_back(ints_attribute("out_perm", ints_of(node(m.transpose), "perm")));
    attention.attributes = std::make_shared<const Attributes>(std::move(attributes));
    int last = m.transpose >= 0 ? m.transpose : m.values;
    int index = rewriter_.add(std::move(attention));
    rewriter_.steal_outputs(last, index);
    for (int i : {m.transpose, m.values, m.where, m.is_nan, m.softmax, m.add, m.scores})
      if (i >= 0 && i != last) rewriter_.remove(i);
  }

  // x for v = Reshape(Expand(Unsqueeze(x))) that repeats each head of x, read in its own order; else v.
  ValueId repeated_source(ValueId v, const std::vector<int64_t>& perm) {
    if (perm != std::vector<int64_t>{0, 1, 2, 3}) return v;
    const Node* reshape = rewriter_.producer_node(v);
    const Node* expand = is_node(reshape, "Reshape") ? rewriter_.producer_node(reshape->inputs[0]) : nullptr;
    const Node* unsqueeze = is_node(expand, "Expand") ? rewriter_.producer_node(expand->inputs[0]) : nullptr;
    if (!is_node(unsqueeze, "Unsqueeze")) return v;
    const Shape *x = shape_of(unsqueeze->inputs[0]), *one = shape_of(expand->inputs[0]), *many = shape_of(expand->outputs[0]), *out = shape_of(v);
    if (!x || !one || !many || !out || x->rank() != 4 || one->rank() != 5 || many->rank() != 5 || out->rank() != 4) return v;
    const Shape &s = *x, &r = *many;
    bool fits = *one == Shape{s[0], s[1], 1, s[2], s[3]} && r == Shape{s[0], s[1], r[2], s[2], s[3]} && *out == Shape{s[0], s[1] * r[2], s[2], s[3]};
    return fits ? unsqueeze->inputs[0] : v;
  }

  Graph& graph_;
  Rewriter rewriter_;
};

}  // namespace

Status pass_fuse_attention(Graph& graph, PassContext&, bool* changed) { return Fuser(graph).run(changed); }

}  // namespace engine

// MatMulInteger, Cast to float32 and multiplication by the product of both scales (and the addition of a constant vector):
// one com.microsoft.MatMulIntegerToFloat, whose arithmetic is the same.
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), rewriter_(graph) {}

  Status run(bool* changed) {
    size_t count = graph_.nodes.size();
    for (size_t i = 0; i < count; ++i)
      if (!rewriter_.removed(int(i)) && is_node(&graph_.nodes[i], "Mul")) fuse(int(i));
    count = graph_.nodes.size();
    for (size_t i = 0; i < count; ++i)
      if (!rewriter_.removed(int(i)) && is_node(&graph_.nodes[i], "Add")) fuse_bias(int(i));
    *changed = rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  const Node& node(int i) const { return graph_.nodes[size_t(i)]; }

  // The MatMulInteger whose sum `v` is, as float32, used here alone; -1 when there is none.
  int integer_product(ValueId v, int* cast) const {
    *cast = rewriter_.producer(v);
    if (*cast < 0 || !is_node(&node(*cast), "Cast") || !rewriter_.single_use(v)) return -1;
    ValueId sum = node(*cast).inputs[0];
    int product = rewriter_.producer(sum);
    if (product < 0 || !is_node(&node(product), "MatMulInteger") || !rewriter_.single_use(sum)) return -1;
    return graph_[v].type.dtype == DType::Float && graph_[v].type.has_rank ? product : -1;
  }

  int64_t elements(ValueId v) const {
    const TypeInfo& t = graph_[v].type;
    return t.static_shape() && t.dtype == DType::Float ? t.shape.elements() : -1;
  }

  // One value, or a vector over the columns of b.
  bool is_b_scale(ValueId v, ValueId b) const {
    const TypeInfo &type = graph_[v].type, &right = graph_[b].type;
    if (elements(v) == 1) return type.shape.rank() <= 1;
    return elements(v) > 1 && type.shape.rank() == 1 && right.has_rank && right.shape.rank() >= 2 && right.shape.back() == type.shape[0];
  }

  void fuse(int mul) {
    for (size_t side : {size_t(0), size_t(1)}) {
      int cast = -1, product = integer_product(node(mul).inputs[side], &cast);
      ValueId both = node(mul).inputs[1 - side];
      const Node* scales = rewriter_.producer_node(both);
      if (product < 0 || !is_node(scales, "Mul") || graph_[node(mul).inputs[side]].type.shape.rank() < 1) continue;
      ValueId a = scales->inputs[0], b = scales->inputs[1];
      if (graph_.constant(a) && !graph_.constant(b)) std::swap(a, b);
      if (elements(a) != 1 || graph_[a].type.shape.rank() > 1 || !is_b_scale(b, node(product).inputs[1])) continue;
      const Node& integer = node(product);
      Node fused;
      fused.name = integer.name;
      fused.domain = "com.microsoft";
      fused.op_type = "MatMulIntegerToFloat";
      fused.opset = 1;
      fused.inputs = {integer.inputs[0], integer.inputs[1], a, b, input_of(integer, 2), input_of(integer, 3)};
      fused.attributes = std::make_shared<const Attributes>();
      int index = rewriter_.add(std::move(fused));
      rewriter_.steal_outputs(mul, index);
      rewriter_.remove(cast);
      rewriter_.remove(product);
      return;
    }
  }

  void fuse_bias(int add) {
    for (size_t side : {size_t(0), size_t(1)}) {
      ValueId v = node(add).inputs[side], bias = node(add).inputs[1 - side];
      int product = rewriter_.producer(v);
      if (product < 0 || node(product).op_type != "MatMulIntegerToFloat" || !rewriter_.single_use(v)) continue;
      const TypeInfo& right = graph_[node(product).inputs[1]].type;
      bool fits = graph_.constant(bias) && elements(bias) > 0 && graph_[bias].type.shape.rank() == 1 && right.has_rank &&
                  right.shape.rank() >= 2 && right.shape.back() == elements(bias) && node(product).inputs.size() == 6;
      if (!fits) continue;
      Node changed = node(product);
      changed.inputs.push_back(bias);
      replace_product(rewriter_, product, add, std::move(changed));
      return;
    }
  }

  Graph& graph_;
  Rewriter rewriter_;
};

}  // namespace

Status pass_fuse_quantized_product(Graph& graph, PassContext&, bool* changed) { return Fuser(graph).run(changed); }

}  // namespace engine

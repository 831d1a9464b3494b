// Constant factors of the columns of a product go into its constant weights and bias.
#include <cmath>
#include <cstring>

#include "base/file_buffer.h"
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

// Multiplies values[j] by factor[j * step]. False when a number leaves the range of float32.
bool scale_row(float* values, const float* factor, int64_t step, int64_t n) {
  bool leaves = false;
  for (int64_t j = 0; j < n; ++j) {
    const float before = values[j];
    values[j] *= factor[j * step];
    leaves |= std::isfinite(before) & !std::isfinite(values[j]);
  }
  return !leaves;
}

// False when an element would leave the range of float32. Elements of a column lie side by side where `turned`, else rows of columns do.
// `t` may lie anywhere; what it was read from is given back to the system.
Result<bool> scaled(const Tensor& t, const Tensor& factor, bool turned, MemoryAccount* account, Tensor* out) {
  ENGINE_ASSIGN(*out, make_tensor(DType::Float, t.shape, account, "folded weights"));
  const int64_t elements = t.elements(), run = turned ? t.shape.back() : factor.elements();
  const char* from = static_cast<const char*>(t.data);
  float* to = out->as<float>();
  const float* by = factor.as<float>();
  for (int64_t i = 0; i < elements; i += run, by += turned ? 1 : 0) {
    std::memcpy(to + i, from + size_t(i) * sizeof(float), size_t(run) * sizeof(float));
    if (!scale_row(to + i, by, turned ? 0 : 1, run)) return false;
  }
  drop_file_pages(t.buffer.get(), t.data, t.bytes());
  return true;
}

bool is_float_constant(const Graph& graph, ValueId v) {
  const Tensor* t = graph.constant(v);
  return t && t->dtype == DType::Float;
}

// One finite value a column.
bool is_factor(const Graph& graph, ValueId v, ValueId product, int64_t columns) {
  if (!is_float_constant(graph, v) || !graph[product].type.has_rank) return false;
  const Tensor& t = *graph.constant(v);
  if (t.shape.rank() < 1 || t.shape.rank() > graph[product].type.shape.rank()) return false;
  if (t.shape.back() != columns || t.elements() != columns) return false;
  for (int64_t i = 0; i < columns; ++i)
    if (!std::isfinite(t.as<float>()[i])) return false;
  return true;
}

// The columns of the product's weights, and whether these are turned; 0 columns when its weights and bias are not such that a factor
// can go into them.
int64_t columns_of(Rewriter& rewriter, const Node& product, bool* turned) {
  const Graph& graph = rewriter.graph();
  const ValueId b = product.inputs[1], bias = input_of(product, 2);
  if (product.inputs.size() > 3 || !has_no_activation(product) || !is_float_constant(graph, b) || rewriter.uses(b).size() != 1) return 0;
  const Shape& w = graph.constant(b)->shape;
  const std::vector<int64_t> perm = ints_of(product, "b_perm");
  *turned = perm == std::vector<int64_t>{1, 0};
  if (w.rank() != 2 || (!perm.empty() && !*turned)) return 0;
  const int64_t columns = w[*turned ? 0 : 1];
  return bias < 0 || (is_float_constant(graph, bias) && graph.constant(bias)->elements() == columns) ? columns : 0;
}

Status fold(Rewriter& rewriter, int product, int mul, ValueId factor, bool turned, MemoryAccount* account) {
  Graph& graph = rewriter.graph();
  Node node = graph.nodes[size_t(product)];
  const std::shared_ptr<const Tensor> by = graph[factor].constant;
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    if (node.inputs[i] < 0) continue;
    const std::shared_ptr<const Tensor> old = graph[node.inputs[i]].constant;
    Tensor t;
    ENGINE_ASSIGN(bool fits, scaled(*old, *by, i == 1 && turned, account, &t));
    if (!fits) return {};
    node.inputs[i] = rewriter.add_constant(graph[node.inputs[i]].name + "/folded", std::move(t));
  }
  replace_product(rewriter, product, mul, std::move(node));
  return {};
}

}  // namespace

Status pass_fold_product_factor(Graph& graph, PassContext& context, bool* changed) {
  Rewriter rewriter(graph);
  const size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    if (rewriter.removed(int(i)) || !is_node(&graph.nodes[i], "Mul")) continue;
    for (size_t side : {size_t(0), size_t(1)}) {
      const ValueId v = graph.nodes[i].inputs[side], factor = graph.nodes[i].inputs[1 - side];
      const int product = product_of(rewriter, v);
      bool turned = false;
      const int64_t columns = product < 0 ? 0 : columns_of(rewriter, graph.nodes[size_t(product)], &turned);
      if (columns == 0 || !is_factor(graph, factor, v, columns)) continue;
      ENGINE_TRY(fold(rewriter, product, int(i), factor, turned, context.account));
      break;
    }
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

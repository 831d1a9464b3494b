// DequantizeLinear -> MatMul or Gemm by a constant matrix of bytes -> QuantizeLinear becomes engine.QLinearConv over pixels of one
// tap, the rows of the left matrix being the pixels. The results may differ by one quantum, where a sum lies between two.
#include <cmath>

#include "passes/conv_node.h"
#include "passes/pass.h"
#include "passes/quantized_node.h"

namespace engine {
namespace {

class Fuser {
 public:
  Fuser(Graph& graph, MemoryAccount* account) : graph_(graph), rewriter_(graph), account_(account) {}

  Status run(bool* changed) {
    const size_t count = graph_.nodes.size();
    for (size_t i = 0; i < count; ++i)
      if (is_node(&graph_.nodes[i], "QuantizeLinear")) ENGINE_TRY(fuse(int(i)));
    *changed = rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  // What is known of the product: its weights [n, k] and their terms.
  struct Product {
    Quantized x, w, y;
    int64_t n = 0, k = 0;
    bool turned = false;  // the constant is [n, k]
    ValueId bias = kNoValue;
  };

  bool plain_gemm(const Node& node) const {
    return is_node(&node, "Gemm") && float_of(node, "alpha", 1) == 1 && float_of(node, "beta", 1) == 1 && !int_of(node, "transA", 0);
  }

  std::optional<Product> product_of_bytes(int index, const Quantized& y) {
    const Node& node = graph_.nodes[size_t(index)];
    const bool gemm = plain_gemm(node);
    if (!gemm && !is_node(&node, "MatMul")) return {};
    const TypeInfo& rows = graph_[node.inputs[0]].type;
    auto x = dequantized(rewriter_, node.inputs[0]);
    const Node* dequantize = rewriter_.producer_node(node.inputs[1]);
    if (!x || !rows.has_rank || rows.shape.rank() < 2 || rows.shape.rank() > 5 || !is_node(dequantize, "DequantizeLinear")) return {};
    auto w = quantized_operands(graph_, *dequantize, graph_[dequantize->inputs[0]].type.dtype);
    const Tensor* matrix = w ? graph_.constant(w->data) : nullptr;
    if (!matrix || matrix->shape.rank() != 2) return {};
    Product p{*x, *w, y};
    p.turned = gemm && int_of(node, "transB", 0);
    p.n = matrix->shape[p.turned ? 0 : 1], p.k = matrix->shape[p.turned ? 1 : 0];
    if (!fits(p, int_of(*dequantize, "axis", 1))) return {};
    p.bias = gemm ? input_of(node, 2) : kNoValue;
    return p;
  }

  bool fits(const Product& p, int64_t axis) const {
    const Tensor &scale = *graph_.constant(p.w.scale), &zero = *graph_.constant(p.w.zero);
    const int64_t count = scale.elements(), columns = p.turned ? 0 : 1;
    if (zero.elements() != count || (count != 1 && (count != p.n || scale.shape.rank() != 1 || (axis + 2) % 2 != columns))) return false;
    for (int64_t i = 0; i < count; ++i)
      if (!std::isfinite(scale.as<float>()[i]) || !(scale.as<float>()[i] > 0)) return false;
    return p.n > 0 && p.k > 0;
  }

  // A constant vector over the columns, kNoValue when it is something else.
  Result<ValueId> bias_vector(ValueId v, int64_t n) {
    const Node* node = rewriter_.producer_node(v);
    const Tensor *source = graph_.constant(v), *scale = nullptr;
    if (is_node(node, "DequantizeLinear")) {
      source = graph_.constant(node->inputs[0]), scale = graph_.constant(node->inputs[1]);
      const Tensor* zero = graph_.constant(input_of(*node, 2));
      if (input_of(*node, 2) >= 0 && !zero) return kNoValue;
      for (int64_t i = 0; zero && i < zero->elements(); ++i)
        if (integer_at(*zero, i) != 0) return kNoValue;
      if (!scale || scale->dtype != DType::Float || (scale->elements() != 1 && scale->elements() != n)) return kNoValue;
    }
    if (!source || source->elements() != n || source->shape.back() != n || (!scale && source->dtype != DType::Float)) return kNoValue;
    ENGINE_ASSIGN(Tensor out, make_tensor(DType::Float, Shape{n}, account_, "bias"));
    for (int64_t i = 0; i < n; ++i)
      out.as<float>()[i] = float(number_at(*source, i) * (scale ? double(scale->as<float>()[scale->elements() == 1 ? 0 : i]) : 1.0));
    return rewriter_.add_constant("bias", std::move(out));
  }

  // [n, k, 1...] for data of that rank.
  Result<ValueId> filters(const Product& p, int rank) {
    const Tensor& matrix = *graph_.constant(p.w.data);
    Shape shape = Shape::filled(rank, 1);
    shape[0] = p.n, shape[1] = p.k;
    ENGINE_ASSIGN(Tensor out, make_tensor(matrix.dtype, shape, account_, "filters"));
    for (int64_t j = 0; j < p.n; ++j)
      for (int64_t i = 0; i < p.k; ++i) out.as<uint8_t>()[j * p.k + i] = matrix.as<uint8_t>()[p.turned ? j * p.k + i : i * p.n + j];
    return rewriter_.add_constant(graph_[p.w.data].name + "/filters", std::move(out));
  }

  ValueId with_axis(const char* op, ValueId from, ValueId axis, const TypeInfo& type) {
    Node node;
    node.op_type = op;
    node.opset = 13;
    node.inputs = {from, axis};
    node.outputs = {rewriter_.add_value(graph_[from].name + "/" + op, type)};
    node.attributes = std::make_shared<const Attributes>();
    ValueId to = node.outputs[0];
    rewriter_.add(std::move(node));
    return to;
  }

  Status fuse(int last) {
    auto y = quantizes(graph_, graph_.nodes[size_t(last)]);
    const int index = y ? rewriter_.producer(y->data) : -1;
    if (index < 0 || !rewriter_.single_use(y->data)) return {};
    auto p = product_of_bytes(index, *y);
    if (!p) return {};
    ValueId bias = kNoValue;
    if (p->bias >= 0) {
      ENGINE_ASSIGN(bias, bias_vector(p->bias, p->n));
      if (bias == kNoValue) return {};
    }
    const int rank = graph_[p->x.data].type.shape.rank();
    ENGINE_ASSIGN(ValueId w, filters(*p, std::max(3, rank)));
    Node conv;
    conv.name = graph_.nodes[size_t(index)].name;
    conv.domain = "engine";
    conv.op_type = "QLinearConv";
    conv.opset = 1;
    conv.inputs = {p->x.data, p->x.scale, p->x.zero, w, p->w.scale, p->w.zero, y->scale, y->zero, bias};
    conv.attributes = std::make_shared<const Attributes>(Attributes{int_attribute("channels_last", 1)});
    if (rank > 2) {
      int added = rewriter_.add(std::move(conv));
      rewriter_.steal_outputs(last, added);
      return {};
    }
    ENGINE_ASSIGN(Tensor zero, make_tensor(DType::Int64, Shape{1}, account_, "axis"));
    zero.as<int64_t>()[0] = 0;
    ValueId axis = rewriter_.add_constant("axis", std::move(zero));
    conv.inputs[0] = with_axis("Unsqueeze", p->x.data, axis, TypeInfo::tensor(graph_[p->x.data].type.dtype));
    conv.outputs = {rewriter_.add_value(conv.name + "/rows", TypeInfo::tensor(graph_.constant(y->zero)->dtype))};
    ValueId rows = conv.outputs[0];
    rewriter_.add(std::move(conv));
    Node squeeze;
    squeeze.op_type = "Squeeze";
    squeeze.opset = 13;
    squeeze.inputs = {rows, axis};
    squeeze.attributes = std::make_shared<const Attributes>();
    int added = rewriter_.add(std::move(squeeze));
    rewriter_.steal_outputs(last, added);
    return {};
  }

  Graph& graph_;
  Rewriter rewriter_;
  MemoryAccount* account_;
};

}  // namespace

Status pass_fuse_quantized_matrix(Graph& graph, PassContext& context, bool* changed) { return Fuser(graph, context.account).run(changed); }

}  // namespace engine

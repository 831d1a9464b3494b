#include "passes/channels_last_node.h"

#include <cstring>

#include "passes/conv_node.h"
#include "passes/elementwise_node.h"

namespace engine {
namespace {

std::optional<Node> conv_form(const Graph& graph, const Node& node, std::vector<LastOperand>* operands) {
  if (int_of(node, "channels_last", 0) || !graph.constant(node.inputs[3])) return {};
  Node conv = node;
  conv.domain = "engine";
  conv.opset = 1;
  conv.attributes = with_attribute(conv, int_attribute("channels_last", 1));
  operands->push_back({0, true});
  return conv;
}

bool all(const std::vector<int64_t>& values, int64_t wanted) {
  for (int64_t v : values)
    if (v != wanted) return false;
  return true;
}

constexpr int64_t kLeastColumns = 8;  // of a product; narrower ones are slower than turning the data

// A float32 convolution of one tap is a product of the pixels' rows.
std::optional<Node> product_form(const Graph& graph, const Node& node, std::vector<LastOperand>* operands) {
  const Tensor* w = graph.constant(node.inputs[1]);
  const TypeInfo &x = graph[node.inputs[0]].type, &y = graph[node.outputs[0]].type;
  if (!w || w->dtype != DType::Float || w->shape.rank() < 3 || w->shape.elements(2, w->shape.rank()) != 1 || is_transposed(node)) return {};
  if (w->shape[0] < kLeastColumns) return {};
  if (int_of(node, "group", 1) != 1 || int_of(node, "in_block", 0) || int_of(node, "out_block", 0) || input_of(node, 3) >= 0) return {};
  if (!all(ints_of(node, "strides"), 1) || !all(ints_of(node, "pads"), 0) || !x.static_shape() || x.shape.rank() != y.shape.rank()) return {};
  for (int d = 2; d < x.shape.rank(); ++d)
    if (x.shape[d] != y.shape[d]) return {};
  Node product = node;
  product.op_type = "FusedMatMul";
  Attributes attributes;
  for (const char* name : {"activation", "activation_a", "activation_b"})
    if (const Attribute* a = find_attribute(*node.attributes, name)) attributes.push_back(*a);
  product.attributes = std::make_shared<const Attributes>(std::move(attributes));
  operands->push_back({0, true});
  return product;
}

std::optional<Node> spread_form(const Node& node, std::vector<LastOperand>* operands) {
  Node spread = node;
  spread.domain = "engine";
  spread.opset = 1;
  operands->push_back({0, true});
  return spread;
}

bool one_element(const Graph& graph, ValueId v) {
  return v < 0 || (graph[v].type.static_shape() && graph[v].type.shape.elements() == 1);
}

// One scale and zero point for all.
std::optional<Node> scaled_form(const Graph& graph, const Node& node, std::vector<LastOperand>* operands) {
  if (!one_element(graph, node.inputs[1]) || int_of(node, "block_size", 0)) return {};
  operands->push_back({0, true});
  return node;
}

std::optional<Node> sum_form(const Graph& graph, const Node& node, std::vector<LastOperand>* operands) {
  const Shape& full = graph[node.outputs[0]].type.shape;
  for (size_t i : {size_t(0), size_t(3)}) {
    if (!graph[node.inputs[i]].type.static_shape() || !(graph[node.inputs[i]].type.shape == full)) return {};
    operands->push_back({i, true});
  }
  return node;
}

std::optional<Node> pool_form(const Graph& graph, const Node& node, std::vector<LastOperand>* operands) {
  DType dtype = graph[node.inputs[0]].type.dtype;
  if (dtype != DType::Uint8 && dtype != DType::Int8) return {};
  Node pool = node;
  pool.domain = "engine";
  pool.op_type = "ByteMaxPool";
  pool.opset = 1;
  operands->push_back({0, true});
  return pool;
}

std::optional<Node> mean_form(const Node& node, std::vector<LastOperand>* operands) {
  if (int_of(node, "channels_last", 0)) return {};
  Node mean = node;
  mean.attributes = with_attribute(mean, int_attribute("channels_last", 1));
  operands->push_back({0, true});
  return mean;
}

std::optional<Node> concat_form(const Graph& graph, const Node& node, std::vector<LastOperand>* operands) {
  const int64_t rank = graph[node.outputs[0]].type.shape.rank(), axis = int_of(node, "axis", 1);
  const int64_t at = axis < 0 ? axis + rank : axis;
  for (size_t i = 0; i < node.inputs.size(); ++i) operands->push_back({i, true});
  Node join = node;
  join.attributes = with_attribute(join, int_attribute("axis", at == 0 ? 0 : at == 1 ? rank - 1 : at - 1));
  return join;
}

std::optional<Node> resize_form(const Graph& graph, const Node& node, std::vector<LastOperand>* operands) {
  if (string_of(node, "mode", "nearest") != "nearest") return {};
  if (string_of(node, "coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize") return {};
  if (node.opset < 11 || (node.attributes && find_attribute(*node.attributes, "axes"))) return {};
  const int64_t rank = graph[node.outputs[0]].type.shape.rank();
  bool known = false;
  for (size_t i : {size_t(2), size_t(3)}) {
    const Tensor* t = graph.constant(input_of(node, int(i)));
    if (input_of(node, int(i)) < 0 || (t && t->elements() == 0)) continue;
    if (!t || t->elements() != rank) return {};
    known = true;
  }
  if (!known) return {};
  operands->push_back({0, true});
  return node;
}

std::optional<Node> elementwise_form(const Graph& graph, const Node& node, std::vector<LastOperand>* operands) {
  std::optional<ElementwiseInstruction> instruction = elementwise_instruction(graph, node);
  if (!instruction) return {};
  const Shape& full = graph[node.outputs[0]].type.shape;
  const int positions[] = {instruction->a, instruction->b, instruction->c};
  for (int o = 0; o < instruction->operands(); ++o) {
    const ValueId v = node.inputs[size_t(positions[o])];
    const TypeInfo& t = graph[v].type;
    if (!t.static_shape() || t.shape.rank() > full.rank()) return {};
    if (t.shape.elements() == 1 && !(t.shape == full)) continue;
    if (t.shape.rank() != full.rank()) return {};
    operands->push_back({size_t(positions[o]), t.shape == full});
  }
  return node;
}

}  // namespace

Shape channels_last_shape(const Shape& s) {
  Shape out = s;
  for (int d = 2; d < s.rank(); ++d) out[d - 1] = s[d];
  if (s.rank() > 1) out[s.rank() - 1] = s[1];
  return out;
}

std::vector<int64_t> channels_last_axes(int rank) {
  std::vector<int64_t> perm = {0};
  for (int d = 2; d < rank; ++d) perm.push_back(d);
  perm.push_back(1);
  return perm;
}

std::vector<int64_t> channels_first_axes(int rank) {
  std::vector<int64_t> perm = {0, rank - 1};
  for (int d = 1; d + 1 < rank; ++d) perm.push_back(d);
  return perm;
}

bool is_byte_conv(const Node& node) { return node.op_type == "QLinearConv" && (node.domain.empty() || node.domain == "engine"); }

std::optional<Node> channels_last_form(const Graph& graph, const Node& node, std::vector<LastOperand>* operands) {
  if (is_byte_conv(node)) return conv_form(graph, node, operands);
  if (is_node(&node, "QuantizeLinear") || is_node(&node, "DequantizeLinear")) return scaled_form(graph, node, operands);
  if (node.domain == "com.microsoft" && node.op_type == "QLinearAdd") return sum_form(graph, node, operands);
  if (node.domain == "engine" && node.op_type == "ByteTable") {
    operands->push_back({0, true});
    return node;
  }
  if (node.domain == "engine" && node.op_type == "DequantizedMean") return mean_form(node, operands);
  if (is_node(&node, "MaxPool")) return pool_form(graph, node, operands);
  if (is_conv(&node)) return product_form(graph, node, operands);
  if (is_node(&node, "DepthToSpace")) return spread_form(node, operands);
  if (is_node(&node, "Concat")) return concat_form(graph, node, operands);
  if (is_node(&node, "Resize")) return resize_form(graph, node, operands);
  return elementwise_form(graph, node, operands);
}

namespace {

// [n, k, 1...] to [k, n].
Status turn_filters(Graph& graph, MemoryAccount* account, Node* product) {
  const Tensor& w = *graph.constant(product->inputs[1]);
  const int64_t n = w.shape[0], k = w.shape[1];
  ENGINE_ASSIGN(Tensor turned, make_tensor(DType::Float, Shape{k, n}, account, "filters"));
  for (int64_t j = 0; j < n; ++j)
    for (int64_t i = 0; i < k; ++i) turned.as<float>()[i * n + j] = w.as<float>()[j * k + i];
  product->inputs[1] = graph.add_constant(graph[product->inputs[1]].name + "/turned", std::move(turned));
  return {};
}

}  // namespace

Status channels_last_constants(Graph& graph, MemoryAccount* account, Node* changed) {
  if (changed->op_type == "FusedMatMul") return turn_filters(graph, account, changed);
  if (!is_node(changed, "Resize")) return {};
  for (size_t i : {size_t(2), size_t(3)}) {
    const Tensor* t = graph.constant(input_of(*changed, int(i)));
    if (!t || t->elements() == 0) continue;
    ENGINE_ASSIGN(Tensor turned, make_tensor(t->dtype, t->shape, account, "resize constants"));
    const std::vector<int64_t> axes = channels_last_axes(int(t->elements()));
    const size_t size = size_t(dtype_size(t->dtype));
    for (size_t d = 0; d < axes.size(); ++d) std::memcpy(turned.as<char>() + d * size, t->as<char>() + size_t(axes[d]) * size, size);
    changed->inputs[i] = graph.add_constant(graph[changed->inputs[i]].name + "/channels_last", std::move(turned));
  }
  return {};
}

}  // namespace engine

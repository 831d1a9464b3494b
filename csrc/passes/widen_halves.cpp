// Regions of float16 nodes around products compute in float32: what flows between them is not rounded, and only what leaves a
// region is. Regions of bfloat16 stay: its steps are so wide that the standard's own answers show each rounding.
//
// A region is a set of nodes, each continuous in its operands and with one meaning for all float types, that pass 16-bit floats
// to each other. It is widened when it holds a product, which computes in float32 anyway. Casts of the model to 16 bits stay,
// and nodes that compare, round or count see rounded values. Nodes that only move elements join where these are wide already.
#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <string_view>

#include "ops/elementwise/convert.h"
#include "passes/pass.h"

namespace engine {
namespace {

constexpr std::string_view kProducts[] = {"Conv", "ConvTranspose", "FusedConv", "FusedMatMul", "GRU", "Gemm", "LSTM", "MatMul", "RNN"};

constexpr std::string_view kComputing[] = {
    "Abs",         "Add",          "AveragePool", "BatchNormalization", "BiasGelu",          "Celu",
    "Clip",        "Div",          "Einsum",      "Elu",                "Erf",               "Exp",
    "FastGelu",    "Gelu",         "GlobalAveragePool", "GlobalMaxPool", "GroupNormalization", "HardSigmoid",
    "HardSwish",   "InstanceNormalization", "LayerNormalization", "LeakyRelu", "Log",        "LogSoftmax",
    "LpNormalization", "Max",      "MaxPool",     "Mean",               "MeanVarianceNormalization", "Min",
    "Mish",        "Mul",          "Neg",         "PRelu",              "Pow",               "QuickGelu",
    "RMSNormalization", "Reciprocal", "ReduceL1", "ReduceL2",           "ReduceLogSumExp",   "ReduceMax",
    "ReduceMean",  "ReduceMin",    "ReduceSum",   "ReduceSumSquare",    "Relu",              "Resize",
    "Selu",        "Sigmoid",      "SimplifiedLayerNormalization", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "Softmax",
    "Softplus",    "Softsign",     "Sqrt",        "Sub",                "Sum",               "Swish",
    "Tanh",        "Where"};

constexpr std::string_view kMoving[] = {"Concat",  "DepthToSpace", "Expand",  "Flatten", "Gather",    "Identity",
                                        "Pad",     "Reshape",      "Slice",   "SpaceToDepth", "Split", "Squeeze",
                                        "Tile",    "Transpose",    "Unsqueeze"};

enum class Role { Other, Computing, Product, Moving };

template <size_t n>
bool among(const std::string_view (&names)[n], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

class Widener {
 public:
  Widener(Graph& graph, MemoryAccount* account) : graph_(graph), account_(account), rewriter_(graph) {}

  Status run(bool* changed) {
    find_regions();
    size_t count = graph_.nodes.size();
    for (size_t i = 0; i < count; ++i) {
      if (drop_cast(graph_.nodes[i])) continue;
      if (roles_[i] == Role::Other || !has_product_[size_t(region(int(i)))]) continue;
      if (roles_[i] == Role::Moving && !takes_wide(graph_.nodes[i])) continue;
      ENGINE_TRY(widen(int(i)));
    }
    *changed = rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  bool half(ValueId v) const {
    if (v < 0 || !graph_[v].type.is_tensor()) return false;
    return graph_[v].type.dtype == DType::Float16;
  }

  Role role(const Node& node) const {
    if (!node.bodies.empty() || (!node.domain.empty() && node.domain != "com.microsoft")) return Role::Other;
    if (std::none_of(node.outputs.begin(), node.outputs.end(), [&](ValueId v) { return half(v); })) return Role::Other;
    if (among(kProducts, node.op_type)) return Role::Product;
    if (among(kComputing, node.op_type)) return Role::Computing;
    return among(kMoving, node.op_type) ? Role::Moving : Role::Other;
  }

  int region(int node) {
    while (parent_[size_t(node)] != node) node = parent_[size_t(node)] = parent_[size_t(parent_[size_t(node)])];
    return node;
  }

  void find_regions() {
    size_t count = graph_.nodes.size();
    parent_.resize(count);
    std::iota(parent_.begin(), parent_.end(), 0);
    for (const Node& node : graph_.nodes) roles_.push_back(role(node));
    for (size_t i = 0; i < count; ++i) {
      if (roles_[i] == Role::Other) continue;
      for (ValueId v : graph_.nodes[i].inputs) {
        int from = half(v) ? rewriter_.producer(v) : -1;
        if (from >= 0 && roles_[size_t(from)] != Role::Other) parent_[size_t(region(int(i)))] = region(from);
      }
    }
    has_product_.assign(count, false);
    for (size_t i = 0; i < count; ++i)
      if (roles_[i] == Role::Product) has_product_[size_t(region(int(i)))] = true;
  }

  bool takes_wide(const Node& node) const {
    return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId v) { return computed_.count(v) > 0; });
  }

  // The model's own cast to float32 of what is float32 already.
  bool drop_cast(const Node& node) {
    if (node.op_type != "Cast" || !node.domain.empty() || !half(node.inputs[0])) return false;
    if (graph_[node.outputs[0]].type.dtype != DType::Float) return false;
    auto wide = computed_.find(node.inputs[0]);
    return wide != computed_.end() && rewriter_.replace(node.outputs[0], wide->second);
  }

  Node cast(ValueId from, ValueId to, DType dtype) const {
    Node node;
    node.name = graph_[to].name;
    node.op_type = "Cast";
    node.opset = 13;
    node.inputs = {from};
    node.outputs = {to};
    node.attributes = std::make_shared<const Attributes>(Attributes{int_attribute("to", int64_t(dtype))});
    return node;
  }

  ValueId wide_value(ValueId v) {
    TypeInfo type = graph_[v].type;
    type.dtype = DType::Float;
    std::string name = graph_[v].name + "/float32";
    return rewriter_.add_value(std::move(name), std::move(type));
  }

  Result<ValueId> wide_constant(ValueId v) {
    const Tensor& from = *graph_.constant(v);
    ENGINE_ASSIGN(Tensor to, make_tensor(DType::Float, from.shape, account_, "a constant"));
    Converter(from.dtype, DType::Float)(from.data, to.data, from.elements());
    return rewriter_.add_constant(graph_[v].name + "/float32", std::move(to));
  }

  Result<ValueId> wide_of(ValueId v) {
    if (auto it = computed_.find(v); it != computed_.end()) return it->second;
    if (auto it = widened_.find(v); it != widened_.end()) return it->second;
    ValueId wide = kNoValue;
    if (graph_.constant(v)) {
      ENGINE_ASSIGN(wide, wide_constant(v));
    } else {
      wide = wide_value(v);
      rewriter_.add(cast(v, wide, DType::Float));
    }
    widened_[v] = wide;
    return wide;
  }

  Status widen(int index) {
    Node node = graph_.nodes[size_t(index)];
    for (ValueId& v : node.inputs) {
      if (!half(v)) continue;
      ENGINE_ASSIGN(v, wide_of(v));
    }
    std::vector<std::pair<ValueId, ValueId>> narrowed;
    for (ValueId& v : node.outputs) {
      if (!half(v)) continue;
      ValueId wide = wide_value(v);
      narrowed.emplace_back(wide, v);
      computed_[v] = wide;
      v = wide;
    }
    rewriter_.remove(index);
    rewriter_.add(std::move(node));
    for (auto [wide, v] : narrowed) rewriter_.add(cast(wide, v, graph_[v].type.dtype));
    return {};
  }

  Graph& graph_;
  MemoryAccount* account_;
  Rewriter rewriter_;
  std::vector<Role> roles_;
  std::vector<int> parent_;
  std::vector<char> has_product_;
  std::map<ValueId, ValueId> computed_;  // 16-bit values and the float32 values from which they are rounded
  std::map<ValueId, ValueId> widened_;   // 16-bit values and their exact float32 copies
};

}  // namespace

Status pass_widen_halves(Graph& graph, PassContext& context, bool* changed) { return Widener(graph, context.account).run(changed); }

}  // namespace engine

// Chains and small trees of element-wise nodes become one engine.FusedElementwise: one pass over the data, in blocks that stay in cache.
//
// A group grows from its last node towards the inputs: a producer joins when its output has the group's shape, is used by the group
// alone and is no graph output.
#include <algorithm>
#include <set>

#include "passes/elementwise_node.h"
#include "passes/pass.h"
#include "passes/product_node.h"
#include "passes/quantized_node.h"

namespace engine {
namespace {

constexpr size_t kMaxInstructions = 48;
constexpr size_t kMaxInputs = 24;

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), rewriter_(graph), taken_(graph.nodes.size(), 0) {}

  Status run(bool* changed) {
    for (int i = int(graph_.nodes.size()) - 1; i >= 0; --i)
      if (!taken_[size_t(i)]) fuse_from(i);
    *changed = rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  // Element-wise nodes, and QuantizeLinear and DequantizeLinear with one scale; the number of an instruction's operand is the
  // node's input.
  std::optional<ElementwiseInstruction> instruction(const Node& node) const {
    const bool to = is_node(&node, "QuantizeLinear"), from = is_node(&node, "DequantizeLinear");
    if (!to && !from) return elementwise_instruction(graph_, node);
    const ValueId bytes = to ? node.outputs[0] : node.inputs[0], floats = to ? node.inputs[0] : node.outputs[0];
    if (graph_[floats].type.dtype != DType::Float) return {};
    std::optional<Quantized> q = quantized_tensor(graph_, node, graph_[bytes].type.dtype);
    if (!q) return {};
    const UnaryParams params{*scalar_constant(graph_, q->scale), float(integer_at(*graph_.constant(q->zero), 0))};
    const bool is_signed = graph_[bytes].type.dtype == DType::Int8;
    return ElementwiseInstruction{to ? ElementwiseKind::quantize : ElementwiseKind::dequantize, is_signed, 0, 0, 0, params};
  }

  bool fits(int node, const Shape& shape) const {
    const Node& n = graph_.nodes[size_t(node)];
    if (taken_[size_t(node)] || n.outputs.size() != 1 || n.outputs[0] < 0) return false;
    const TypeInfo& type = graph_[n.outputs[0]].type;
    return type.static_shape() && type.shape == shape && instruction(n).has_value();
  }

  bool used_by(ValueId v, const std::set<int>& group) const {
    if (rewriter_.is_output(v)) return false;
    return std::all_of(rewriter_.uses(v).begin(), rewriter_.uses(v).end(), [&](int user) { return group.count(user) > 0; });
  }

  void fuse_from(int root) {
    const TypeInfo& type = graph_[graph_.nodes[size_t(root)].outputs.empty() ? 0 : graph_.nodes[size_t(root)].outputs[0]].type;
    if (graph_.nodes[size_t(root)].outputs.size() != 1 || !type.static_shape() || !fits(root, type.shape)) return;
    std::set<int> group = {root};
    bool grown = true;
    while (grown && group.size() < kMaxInstructions) {
      grown = false;
      for (auto it = group.rbegin(); it != group.rend() && !grown; ++it)
        for (ValueId v : graph_.nodes[size_t(*it)].inputs) {
          int producer = rewriter_.producer(v);
          if (producer < 0 || group.count(producer) || graph_[v].type.dtype == DType::Uint8 || graph_[v].type.dtype == DType::Int8 ||
              !fits(producer, type.shape) || !used_by(v, group)) continue;
          group.insert(producer);
          grown = true;
          break;
        }
    }
    if (group.size() >= 2) emit(root, group);
  }

  void emit(int root, const std::set<int>& group) {
    Node fused;
    ElementwiseProgram program;
    std::vector<std::pair<ValueId, int>> results;
    for (int i : group) {
      const Node& node = graph_.nodes[size_t(i)];
      ElementwiseInstruction code = *instruction(node);
      int* operands[] = {&code.a, &code.b, &code.c};
      for (int o = 0; o < code.operands(); ++o) *operands[o] = operand(node.inputs[size_t(*operands[o])], results, fused.inputs);
      results.emplace_back(node.outputs[0], int(program.size()));
      program.push_back(code);
    }
    if (fused.inputs.size() > kMaxInputs) return;
    fused.name = graph_.nodes[size_t(root)].name;
    fused.domain = "engine";
    fused.op_type = "FusedElementwise";
    fused.opset = 1;
    fused.attributes = std::make_shared<const Attributes>(encode_elementwise(program));
    int index = rewriter_.add(std::move(fused));
    taken_.push_back(1);
    for (int i : group) taken_[size_t(i)] = 1;
    rewriter_.steal_outputs(root, index);
    for (auto it = group.rbegin(); it != group.rend(); ++it)
      if (*it != root) rewriter_.remove(*it);
  }

  static int operand(ValueId v, const std::vector<std::pair<ValueId, int>>& results, std::vector<ValueId>& inputs) {
    for (const auto& [value, instruction] : results)
      if (value == v) return ~instruction;
    auto it = std::find(inputs.begin(), inputs.end(), v);
    if (it == inputs.end()) it = inputs.insert(inputs.end(), v);
    return int(it - inputs.begin());
  }

  Graph& graph_;
  Rewriter rewriter_;
  std::vector<char> taken_;
};

}  // namespace

Status pass_fuse_elementwise(Graph& graph, PassContext&, bool* changed) { return Fuser(graph).run(changed); }

}  // namespace engine

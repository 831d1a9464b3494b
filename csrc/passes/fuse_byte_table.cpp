// Element-wise nodes between DequantizeLinear and QuantizeLinear that read one tensor of bytes and numbers become engine.ByteTable:
// the result for each of the 256 bytes, computed by these very nodes. A table right after a quantised convolution becomes a part of
// it. QuantizeLinear of what DequantizeLinear made with the same scale and zero point is dropped.
#include <algorithm>
#include <map>
#include <numeric>

#include "passes/conv_node.h"
#include "passes/elementwise_node.h"
#include "passes/pass.h"
#include "passes/quantized_node.h"

namespace engine {
namespace {

constexpr size_t kMostNodes = 64;

class Fuser {
 public:
  Fuser(Graph& graph, MemoryAccount* account) : graph_(graph), rewriter_(graph), account_(account) {}

  Status run(bool* changed) {
    const size_t count = graph_.nodes.size();
    for (size_t i = 0; i < count; ++i)
      if (!rewriter_.removed(int(i)) && is_node(&graph_.nodes[i], "QuantizeLinear")) ENGINE_TRY(fuse(int(i)));
    *changed |= rewriter_.changed();
    return rewriter_.finish();
  }

  // Once what tables replaced is gone.
  Status join(bool* changed) {
    const size_t count = graph_.nodes.size();
    for (size_t i = 0; i < count; ++i)
      if (!rewriter_.removed(int(i)) && graph_.nodes[i].op_type == "ByteTable") join_conv(int(i));
    *changed |= rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  // The nodes that make `v` of one dequantised tensor, in order; false when there is more to it.
  bool collect(ValueId v, std::vector<int>* nodes, ValueId* source) {
    if (const Tensor* constant = graph_.constant(v)) return constant->elements() == 1;
    const int index = rewriter_.producer(v);
    if (index < 0 || nodes->size() >= kMostNodes) return false;
    if (std::find(nodes->begin(), nodes->end(), index) != nodes->end()) return true;
    const Node& node = graph_.nodes[size_t(index)];
    if (auto x = dequantized(rewriter_, v)) {
      if (*source != kNoValue && *source != x->data) return false;
      *source = x->data;
    } else {
      if (!elementwise_instruction(graph_, node) || node.outputs.size() != 1 || node.captures) return false;
      for (ValueId input : node.inputs)
        if (input >= 0 && !collect(input, nodes, source)) return false;
    }
    nodes->push_back(index);
    return true;
  }

  Status fuse(int last) {
    auto y = quantizes(graph_, graph_.nodes[size_t(last)]);
    std::vector<int> nodes;
    ValueId source = kNoValue;
    if (!y || !collect(y->data, &nodes, &source) || source == kNoValue) return {};
    const TypeInfo &from = graph_[source].type, &to = graph_[graph_.nodes[size_t(last)].outputs[0]].type;
    if (!from.has_rank || !to.has_rank || from.shape.rank() != to.shape.rank()) return {};
    if (nodes.size() == 1) {
      auto x = dequantized(rewriter_, y->data);
      if (same_quantization(graph_, *x, *y) && rewriter_.replace(graph_.nodes[size_t(last)].outputs[0], source)) {
        rewriter_.remove(last);
        return {};
      }
    }
    ENGINE_ASSIGN(ValueId table, table_of(nodes, last, source));
    Node lookup;
    lookup.name = graph_.nodes[size_t(last)].name;
    lookup.domain = "engine";
    lookup.op_type = "ByteTable";
    lookup.opset = 1;
    lookup.inputs = {source, table};
    lookup.attributes = std::make_shared<const Attributes>();
    int added = rewriter_.add(std::move(lookup));
    rewriter_.steal_outputs(last, added);
    return {};
  }

  // The nodes again, over all bytes: inference folds them.
  Result<ValueId> table_of(const std::vector<int>& nodes, int last, ValueId source) {
    ENGINE_ASSIGN(Tensor bytes, make_tensor(graph_[source].type.dtype, Shape{256}, account_, "all bytes"));
    std::iota(bytes.as<uint8_t>(), bytes.as<uint8_t>() + 256, uint8_t(0));
    std::map<ValueId, ValueId> made = {{source, rewriter_.add_constant("bytes", std::move(bytes))}};
    std::vector<int> all = nodes;
    all.push_back(last);
    ValueId result = kNoValue;
    for (int i : all) {
      Node copy = graph_.nodes[size_t(i)];
      for (ValueId& v : copy.inputs)
        if (auto at = made.find(v); at != made.end()) v = at->second;
      result = rewriter_.add_value(graph_[copy.outputs[0]].name + "/table", TypeInfo::tensor(graph_[copy.outputs[0]].type.dtype));
      made[copy.outputs[0]] = result;
      copy.outputs = {result};
      rewriter_.add(std::move(copy));
    }
    return result;
  }

  void join_conv(int index) {
    const Node lookup = graph_.nodes[size_t(index)];
    const int conv = rewriter_.producer(lookup.inputs[0]);
    if (conv < 0 || !rewriter_.single_use(lookup.inputs[0])) return;
    Node changed = graph_.nodes[size_t(conv)];
    if (changed.domain != "engine" || changed.op_type != "QLinearConv" || changed.inputs.size() > 9) return;
    if (graph_[lookup.inputs[0]].type.dtype != graph_[lookup.outputs[0]].type.dtype) return;
    changed.inputs.resize(9, kNoValue);
    changed.inputs.push_back(lookup.inputs[1]);
    changed.outputs.clear();
    int added = rewriter_.add(std::move(changed));
    rewriter_.steal_outputs(index, added);
    rewriter_.remove(conv);
  }

  Graph& graph_;
  Rewriter rewriter_;
  MemoryAccount* account_;
};

}  // namespace

Status pass_fuse_byte_table(Graph& graph, PassContext& context, bool* changed) {
  ENGINE_TRY(Fuser(graph, context.account).run(changed));
  return Fuser(graph, context.account).join(changed);
}

}  // namespace engine

// QLinearAdd of what a quantised convolution makes for it alone: the convolution adds the other operand to its tiles.
#include "passes/conv_node.h"
#include "passes/pass.h"
#include "passes/quantized_node.h"

namespace engine {
namespace {

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), rewriter_(graph) {}

  Status run(bool* changed) {
    const size_t count = graph_.nodes.size();
    for (size_t i = 0; i < count; ++i) {
      if (rewriter_.removed(int(i)) || graph_.nodes[i].op_type != "QLinearAdd" || graph_.nodes[i].inputs.size() != 8) continue;
      if (!fuse(int(i), 0)) fuse(int(i), 3);
    }
    *changed = rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  bool one(ValueId v) const { return v >= 0 && graph_.constant(v) && graph_.constant(v)->elements() == 1; }

  bool fuse(int index, size_t side) {
    const Node sum = graph_.nodes[size_t(index)];
    const ValueId a = sum.inputs[side], b = sum.inputs[3 - side];
    const int conv = rewriter_.producer(a);
    if (conv < 0 || a == b || !rewriter_.single_use(a)) return false;
    Node changed = graph_.nodes[size_t(conv)];
    if (changed.domain != "engine" || changed.op_type != "QLinearConv" || changed.inputs.size() > 9) return false;
    if (!int_of(changed, "channels_last", 0)) return false;
    for (size_t i : {size_t(1), size_t(2), size_t(4), size_t(5), size_t(6), size_t(7)})
      if (!one(sum.inputs[i])) return false;
    if (!one(changed.inputs[6]) || !one(changed.inputs[7])) return false;
    if (!same_quantization(graph_, {a, sum.inputs[side + 1], sum.inputs[side + 2]}, {a, changed.inputs[6], changed.inputs[7]})) return false;
    const TypeInfo &out = graph_[sum.outputs[0]].type, &other = graph_[b].type;
    if (!out.static_shape() || !other.static_shape() || !(out.shape == other.shape) || !(graph_[a].type.shape == out.shape)) return false;
    changed.inputs.resize(10, kNoValue);
    for (ValueId v : {b, sum.inputs[4 - side], sum.inputs[5 - side], sum.inputs[6], sum.inputs[7]}) changed.inputs.push_back(v);
    changed.outputs.clear();
    int added = rewriter_.add(std::move(changed));
    rewriter_.steal_outputs(index, added);
    rewriter_.remove(conv);
    return true;
  }

  Graph& graph_;
  Rewriter rewriter_;
};

}  // namespace

Status pass_fuse_byte_residual(Graph& graph, PassContext&, bool* changed) { return Fuser(graph).run(changed); }

}  // namespace engine

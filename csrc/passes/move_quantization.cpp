// Operators that move or choose elements work on bytes: DequantizeLinear goes after them, QuantizeLinear before. The results are
// the same. The mean of dequantised values is taken over bytes too.
#include "passes/conv_node.h"
#include "passes/pass.h"
#include "passes/quantized_node.h"

namespace engine {
namespace {

class Mover {
 public:
  explicit Mover(Graph& graph) : graph_(graph), rewriter_(graph) {}

  Status run(bool* changed) {
    for (size_t i = 0; i < graph_.nodes.size(); ++i)
      if (!rewriter_.removed(int(i))) quantize_earlier(int(i));
    for (size_t i = 0; i < graph_.nodes.size(); ++i)
      if (!rewriter_.removed(int(i))) dequantize_later(int(i));
    *changed = rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  bool is_nearest(const Node& node) const {
    return is_node(&node, "Resize") && node.opset >= 11 && string_of(node, "mode", "nearest") == "nearest" &&
           string_of(node, "coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize";
  }
  bool moves(const Node& node) const {
    static const char* const names[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"};
    for (const char* name : names)
      if (is_node(&node, name)) return true;
    return is_nearest(node);
  }
  // Bytes that a convolution makes, or what is computed from them.
  bool from_conv(ValueId v) const {
    const int i = rewriter_.producer(v);
    if (i < 0) return false;
    const std::string& op = graph_.nodes[size_t(i)].op_type;
    return op == "QLinearConv" || op == "QLinearAdd" || op == "MaxPool";
  }
  static bool chooses(const Node& node) { return is_node(&node, "MaxPool") && node.outputs.size() == 1 && node.opset >= 12; }

  Node like(const Node& node, ValueId data, ValueId to) const {
    Node out = node;
    out.inputs[0] = data;
    out.outputs = {to};
    return out;
  }

  void quantize_earlier(int last) {
    const Node quantize = graph_.nodes[size_t(last)];
    auto y = quantizes(graph_, quantize);
    if (!y || !rewriter_.single_use(y->data)) return;
    const int index = rewriter_.producer(y->data);
    if (index < 0) return;
    const Node node = graph_.nodes[size_t(index)];
    const bool joins = is_node(&node, "Concat");
    if (!joins && !is_nearest(node)) return;
    const DType dtype = graph_[quantize.outputs[0]].type.dtype;
    Node moved = node;
    for (size_t i = 0; i < (joins ? node.inputs.size() : 1); ++i) {
      TypeInfo type = graph_[node.inputs[i]].type;
      type.dtype = dtype;
      moved.inputs[i] = rewriter_.add_value(graph_[node.inputs[i]].name + "/quantised", type);
      rewriter_.add(like(quantize, node.inputs[i], moved.inputs[i]));
    }
    moved.outputs.clear();
    int added = rewriter_.add(std::move(moved));
    rewriter_.steal_outputs(last, added);
    rewriter_.remove(index);
  }

  void dequantize_later(int index) {
    const Node node = graph_.nodes[size_t(index)];
    if (node.inputs.empty() || node.outputs.size() != 1 || rewriter_.producer(node.inputs[0]) < 0) return;
    auto x = dequantized(rewriter_, node.inputs[0]);
    if (!x) return;
    if (is_node(&node, "GlobalAveragePool")) return mean(index, *x);
    if (!moves(node) && !(chooses(node) && from_conv(x->data))) return;
    TypeInfo type = graph_[node.outputs[0]].type;
    type.dtype = graph_[x->data].type.dtype;
    const Node dequantize = *rewriter_.producer_node(node.inputs[0]);
    ValueId bytes = rewriter_.add_value(graph_[node.outputs[0]].name + "/bytes", type);
    rewriter_.add(like(node, x->data, bytes));
    Node later = dequantize;
    later.inputs[0] = bytes;
    later.outputs.clear();
    int added = rewriter_.add(std::move(later));
    rewriter_.steal_outputs(index, added);
  }

  void mean(int index, const Quantized& x) {
    Node mean;
    mean.name = graph_.nodes[size_t(index)].name;
    mean.domain = "engine";
    mean.op_type = "DequantizedMean";
    mean.opset = 1;
    mean.inputs = {x.data, x.scale, x.zero};
    mean.attributes = std::make_shared<const Attributes>();
    int added = rewriter_.add(std::move(mean));
    rewriter_.steal_outputs(index, added);
  }

  Graph& graph_;
  Rewriter rewriter_;
};

}  // namespace

Status pass_move_quantization(Graph& graph, PassContext&, bool* changed) { return Mover(graph).run(changed); }

}  // namespace engine

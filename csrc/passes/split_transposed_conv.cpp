// A transposed convolution whose steps are as long as its kernel writes every output once: a convolution of one tap that makes all
// positions of a block as channels, and DepthToSpace.
#include "passes/conv_node.h"
#include "passes/pass.h"

namespace engine {
namespace {

class Splitter {
 public:
  Splitter(Graph& graph, MemoryAccount* account) : graph_(graph), rewriter_(graph), account_(account) {}

  Status run(bool* changed) {
    const size_t count = graph_.nodes.size();
    for (size_t i = 0; i < count; ++i)
      if (is_conv(&graph_.nodes[i]) && is_transposed(graph_.nodes[i])) ENGINE_TRY(split(int(i)));
    *changed = rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  static bool all(const std::vector<int64_t>& values, int64_t wanted) {
    for (int64_t v : values)
      if (v != wanted) return false;
    return true;
  }

  // The side of the blocks, 0 when they overlap, leave gaps or are no squares.
  int64_t block_of(const Node& node, const Tensor& w) const {
    const std::vector<int64_t> strides = ints_of(node, "strides");
    if (w.shape.rank() != 4 || w.dtype != DType::Float || strides.size() != 2 || w.shape[2] != w.shape[3] || w.shape[2] < 2) return 0;
    if (!all(strides, w.shape[2]) || !all(ints_of(node, "pads"), 0)) return 0;
    if (!all(ints_of(node, "output_padding"), 0) || !all(ints_of(node, "dilations"), 1)) return 0;
    if (!ints_of(node, "output_shape").empty() || int_of(node, "group", 1) != 1) return 0;
    const std::string pad = string_of(node, "auto_pad", "NOTSET");
    return pad == "NOTSET" || pad == "VALID" ? w.shape[2] : 0;
  }

  // [channel, filter, row, column] to [row, column, filter, channel].
  Result<ValueId> filters(const Tensor& w, int64_t block) {
    const int64_t channels = w.shape[0], n = w.shape[1], places = block * block;
    ENGINE_ASSIGN(Tensor out, make_tensor(DType::Float, Shape{places * n, channels, 1, 1}, account_, "filters"));
    for (int64_t p = 0; p < places; ++p)
      for (int64_t j = 0; j < n; ++j)
        for (int64_t c = 0; c < channels; ++c) out.as<float>()[(p * n + j) * channels + c] = w.as<float>()[(c * n + j) * places + p];
    return rewriter_.add_constant("filters", std::move(out));
  }

  Result<ValueId> repeated(const Tensor& bias, int64_t times) {
    const int64_t n = bias.elements();
    ENGINE_ASSIGN(Tensor out, make_tensor(DType::Float, Shape{n * times}, account_, "bias"));
    for (int64_t i = 0; i < n * times; ++i) out.as<float>()[i] = bias.as<float>()[i % n];
    return rewriter_.add_constant("bias", std::move(out));
  }

  Status split(int index) {
    const Node node = graph_.nodes[size_t(index)];
    const Tensor *w = graph_.constant(node.inputs[1]), *bias = graph_.constant(input_of(node, 2));
    const TypeInfo& x = graph_[node.inputs[0]].type;
    const int64_t block = w ? block_of(node, *w) : 0;
    if (block == 0 || !x.static_shape() || x.dtype != DType::Float || input_of(node, 3) >= 0) return {};
    if (input_of(node, 2) >= 0 && !bias) return {};
    Node conv;
    conv.name = node.name;
    conv.domain = "engine";
    conv.op_type = "Conv";
    conv.opset = 1;
    ENGINE_ASSIGN(ValueId filter, filters(*w, block));
    conv.inputs = {node.inputs[0], filter};
    if (bias) {
      ENGINE_ASSIGN(ValueId v, repeated(*bias, block * block));
      conv.inputs.push_back(v);
    }
    Attributes attributes;
    for (const char* name : {"activation", "activation_a", "activation_b"})
      if (const Attribute* a = node.attributes ? find_attribute(*node.attributes, name) : nullptr) attributes.push_back(*a);
    conv.attributes = std::make_shared<const Attributes>(std::move(attributes));
    const ValueId deep = rewriter_.add_value(graph_[node.outputs[0]].name + "/blocks",
                                             TypeInfo::tensor(DType::Float, Shape{x.shape[0], w->shape[1] * block * block, x.shape[2], x.shape[3]}));
    conv.outputs = {deep};
    rewriter_.add(std::move(conv));
    Node spread;
    spread.name = node.name;
    spread.op_type = "DepthToSpace";
    spread.opset = 13;
    spread.inputs = {deep};
    spread.attributes = std::make_shared<const Attributes>(Attributes{int_attribute("blocksize", block)});
    int added = rewriter_.add(std::move(spread));
    rewriter_.steal_outputs(index, added);
    return {};
  }

  Graph& graph_;
  Rewriter rewriter_;
  MemoryAccount* account_;
};

}  // namespace

Status pass_split_transposed_conv(Graph& graph, PassContext& context, bool* changed) { return Splitter(graph, context.account).run(changed); }

}  // namespace engine

// Convolutions and what lies between them get tensors in the channel-blocked layout (ops/change_layout.cpp). Conversions stand
// where a value is made in one layout and wanted in the other, once for each value.
//
// One walk in the nodes' order. A convolution that gains by it makes blocked values; pools, resizing, joins of whole blocks and
// element-wise operators follow the layout of what they read; all other nodes get plain values.
#include <algorithm>
#include <optional>

#include "kernels/blocked/blocked.h"
#include "kernels/conv/conv.h"
#include "ops/conv/conv_shape_of.h"
#include "passes/conv_node.h"
#include "passes/elementwise_node.h"
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

// Multiply-adds for an output element from which on a convolution between plain values, beside no other, is worth
// two conversions.
constexpr int64_t kLeastMacs = 48;

class LayoutWalk {
 public:
  LayoutWalk(Graph& graph, MemoryAccount* account)
      : graph_(graph), account_(account), lanes_(blocked_kernels().lanes), plain_(graph.values.size(), 1), blocked_(graph.values.size(), kNoValue), feeds_conv_(graph.values.size(), 0), last_(graph.values.size(), kNoValue) {}

  Status run(bool* changed) {
    std::vector<Node> nodes = std::move(graph_.nodes);
    for (const Node& node : nodes)
      if (is_conv(&node) && node.inputs[0] >= 0) feeds_conv_[size_t(node.inputs[0])] = 1;
    for (Node& node : nodes) {
      bool done = false;
      if (is_conv(&node)) done = blocked_conv(node);
      else if (node.domain.empty() && is_pool(node)) done = blocked_pool(node);
      else if (is_node(&node, "Concat")) done = blocked_concat(node);
      else if (is_node(&node, "Slice")) done = blocked_slice(node);
      else if (is_node(&node, "Resize")) done = blocked_resize(node);
      else if (is_node(&node, "Transpose")) done = channels_last(node);
      else ENGINE_TRY(blocked_elementwise(node, &done));
      if (!done) keep(std::move(node));
      else *changed = true;
    }
    for (ValueId v : graph_.outputs) make_plain(v);
    graph_.nodes = std::move(result_);
    if (!*changed) return {};
    ENGINE_TRY(sort_nodes(graph_));
    remove_dead(graph_);
    return {};
  }

 private:
  // A value of [N, C, spatial...] float32 whose dimensions are known.
  bool has_channels(ValueId v) const {
    if (v < 0) return false;
    const TypeInfo& t = graph_[v].type;
    return t.static_shape() && t.dtype == DType::Float && t.shape.rank() >= 3 && t.shape.rank() < kMaxRank;
  }
  bool is_blocked(ValueId v) const { return v >= 0 && blocked_[size_t(v)] != kNoValue; }
  int64_t channels(ValueId v) const { return graph_[v].type.shape[1]; }
  bool whole_blocks(ValueId v) const { return channels(v) % lanes_ == 0; }

  Shape blocked_shape(const Shape& plain) const {
    Shape s = plain;
    s[1] = (s[1] + lanes_ - 1) / lanes_;
    s.push_back(lanes_);
    return s;
  }

  ValueId new_value(const std::string& name, const Shape& shape) {
    plain_.push_back(1);
    blocked_.push_back(kNoValue);
    last_.push_back(kNoValue);
    return graph_.add_value(name, TypeInfo::tensor(DType::Float, shape));
  }

  ValueId add_constant(const std::string& name, Tensor t) {
    plain_.push_back(1);
    blocked_.push_back(kNoValue);
    last_.push_back(kNoValue);
    return graph_.add_constant(name, std::move(t));
  }

  Node internal(const Node& origin, const char* op_type, std::vector<ValueId> inputs) const {
    Node node;
    node.name = origin.name;
    node.domain = "engine";
    node.op_type = op_type;
    node.opset = 1;
    node.inputs = std::move(inputs);
    node.attributes = origin.attributes ? origin.attributes : std::make_shared<const Attributes>();
    return node;
  }

  void convert(ValueId from, ValueId to, const char* op_type, Attribute attribute) {
    Node node;
    node.name = graph_[to].name;
    node.domain = "engine";
    node.op_type = op_type;
    node.opset = 1;
    node.inputs = {from};
    node.outputs = {to};
    node.attributes = std::make_shared<const Attributes>(Attributes{std::move(attribute)});
    result_.push_back(std::move(node));
  }

  void make_plain(ValueId v) {
    if (v < 0 || plain_[size_t(v)]) return;
    convert(blocked_[size_t(v)], v, "ToPlain", int_attribute("channels", channels(v)));
    plain_[size_t(v)] = 1;
  }

  ValueId make_blocked(ValueId v) {
    if (!is_blocked(v)) {
      ValueId to = new_value(graph_[v].name + "/blocked", blocked_shape(graph_[v].type.shape));
      if (last_[size_t(v)] >= 0) convert(last_[size_t(v)], to, "LastToBlocked", int_attribute("block", lanes_));
      else convert(v, to, "ToBlocked", int_attribute("block", lanes_));
      blocked_[size_t(v)] = to;
    }
    return blocked_[size_t(v)];
  }

  void keep(Node node) {
    for (ValueId v : node.inputs) make_plain(v);
    result_.push_back(std::move(node));
  }

  // The node, changed, makes the blocked form of `v` and no longer the plain one.
  void emit_blocked(Node node, ValueId v) {
    ValueId to = new_value(graph_[v].name + "/blocked", blocked_shape(graph_[v].type.shape));
    node.outputs = {to};
    result_.push_back(std::move(node));
    blocked_[size_t(v)] = to;
    plain_[size_t(v)] = 0;
  }

  bool shape_of(const Node& node, ConvShape* shape) const {
    std::vector<const TypeInfo*> types;
    for (ValueId v : node.inputs) types.push_back(v < 0 ? nullptr : &graph_[v].type);
    std::vector<const Tensor*> values(types.size(), nullptr);
    InferContext c(node, types, values);
    Shape output;
    return conv_shape_of(c, graph_[node.inputs[0]].type.shape, 1, is_transposed(node), 2, shape, &output).ok();
  }

  bool blocked_conv(const Node& node) {
    ValueId x = node.inputs[0], y = node.outputs[0], residual = input_of(node, 3);
    ConvShape s;
    if (!has_channels(x) || !has_channels(y) || !graph_.constant(node.inputs[1])) return false;
    if (int_of(node, "in_block", 0) || int_of(node, "out_block", 0) || !shape_of(node, &s)) return false;
    const ChannelLayout plain = ChannelLayout::plain, blocked = ChannelLayout::blocked;
    if (s.transposed || conv_prefers_plain(s) || (s.out_pixels() <= 1 && !conv_prefers_blocked(s))) return false;
    bool few_channels = s.group_in() < lanes_ && !s.depthwise();
    bool from_plain = !is_blocked(x) && few_channels && conv_supports(s, plain, blocked) && s.c_out >= lanes_;
    if (!from_plain && (!conv_supports(s, blocked, blocked) || (!conv_prefers_blocked(s) && !is_blocked(x)))) return false;
    if (!is_blocked(x) && s.group_in() * s.taps() < kLeastMacs && !is_blocked(residual) && !feeds_conv_[size_t(y)]) return false;
    Node conv = internal(node, "Conv", node.inputs);
    if (!from_plain) {
      conv.inputs[0] = make_blocked(x);
      conv.attributes = with_attribute(conv, int_attribute("in_block", lanes_));
    }
    if (residual >= 0) conv.inputs[3] = make_blocked(residual);
    conv.attributes = with_attribute(conv, int_attribute("out_block", lanes_));
    emit_blocked(std::move(conv), y);
    return true;
  }

  static bool is_pool(const Node& node) {
    return node.op_type == "MaxPool" || node.op_type == "AveragePool" || node.op_type == "GlobalAveragePool" || node.op_type == "GlobalMaxPool";
  }

  bool blocked_pool(const Node& node) {
    ValueId x = node.inputs[0];
    if (node.outputs.size() != 1 || !is_blocked(x) || !has_channels(node.outputs[0])) return false;
    Node pool = internal(node, node.op_type.c_str(), {blocked_[size_t(x)]});
    pool.attributes = with_attribute(pool, int_attribute("channels", channels(x)));
    emit_blocked(std::move(pool), node.outputs[0]);
    return true;
  }

  // A transposition that puts the channels last reads blocks as they lie; one that puts them first is no detour into blocks.
  bool channels_last(const Node& node) {
    const ValueId x = node.inputs[0], y = node.outputs[0];
    if (!has_channels(x) || !has_channels(y)) return false;
    const int rank = graph_[x].type.shape.rank();
    const std::vector<int64_t> perm = ints_of(node, "perm");
    if (int(perm.size()) != rank) return false;
    bool to_last = perm[0] == 0, to_first = perm[0] == 0;
    for (int d = 1; d < rank; ++d) {
      to_last = to_last && perm[size_t(d)] == (d + 1 < rank ? d + 1 : 1);
      to_first = to_first && perm[size_t(d)] == (d > 1 ? d - 1 : rank - 1);
    }
    if (!to_last || !is_blocked(x)) {
      if (to_first) last_[size_t(y)] = x;
      return false;
    }
    convert(blocked_[size_t(x)], y, "BlockedToLast", int_attribute("channels", channels(x)));
    return true;
  }

  // Along the channels blocks must be whole; along a spatial dimension they need not be.
  bool blocked_concat(const Node& node) {
    ValueId y = node.outputs[0];
    if (!has_channels(y)) return false;
    int64_t axis = int_of(node, "axis", 1), ready = 0, all = 0;
    if (axis < 0) axis += graph_[y].type.shape.rank();
    if (axis < 1) return false;
    for (ValueId v : node.inputs) {
      if (!has_channels(v) || (axis == 1 && !whole_blocks(v))) return false;
      int64_t elements = graph_[v].type.shape.elements();
      all += elements;
      if (is_blocked(v)) ready += elements;
    }
    if (2 * ready < all || all == 0) return false;
    Node join = node;
    for (ValueId& v : join.inputs) v = make_blocked(v);
    join.attributes = with_attribute(join, int_attribute("axis", axis));
    emit_blocked(std::move(join), y);
    return true;
  }

  // A part of the spatial dimensions, told by constants, of a value that nobody has made plain yet.
  bool blocked_slice(const Node& node) {
    ValueId x = node.inputs[0], y = node.outputs[0];
    if (!is_blocked(x) || plain_[size_t(x)] || !has_channels(y) || node.inputs.size() < 4) return false;
    const int rank = graph_[x].type.shape.rank();
    for (size_t i = 1; i < node.inputs.size(); ++i)
      if (node.inputs[i] >= 0 && !graph_.constant(node.inputs[i])) return false;
    if (node.inputs[3] < 0) return false;
    const Tensor& axes = *graph_.constant(node.inputs[3]);
    auto made = make_tensor(DType::Int64, Shape{axes.elements()}, account_, "axes");
    if (!made.ok()) return false;
    Tensor counted = made.take();
    for (int64_t i = 0; i < axes.elements(); ++i) {
      int64_t axis = axes.dtype == DType::Int64 ? axes.as<int64_t>()[i] : axes.as<int32_t>()[i];
      if (axis < 0) axis += rank;
      if (axis < 2 || axis >= rank) return false;
      counted.as<int64_t>()[i] = axis;
    }
    Node part = node;
    part.inputs[0] = blocked_[size_t(x)];
    part.inputs[3] = add_constant(graph_[y].name + "/axes", std::move(counted));
    emit_blocked(std::move(part), y);
    return true;
  }

  // The spatial dimensions alone, by scales or sizes that are constants.
  bool blocked_resize(const Node& node) {
    const ValueId x = node.inputs[0], y = node.outputs[0];
    if (!is_blocked(x) || !has_channels(y) || node.inputs.size() < 3 || !resizes_like_a_block(node)) return false;
    const Shape &from = graph_[x].type.shape, &to = graph_[y].type.shape;
    const int rank = from.rank();
    if (to.rank() != rank || to[0] != from[0] || to[1] != from[1]) return false;
    const ValueId scales = node.inputs[2], sizes = input_of(node, 3);
    const size_t given = sizes >= 0 ? 3 : 2;
    const Tensor* constant = graph_.constant(node.inputs[given]);
    if (!constant || constant->elements() != rank || constant->dtype != (given == 3 ? DType::Int64 : DType::Float)) return false;
    if (given == 2 && (scales < 0 || constant->as<float>()[0] != 1 || constant->as<float>()[1] != 1)) return false;
    auto made = make_tensor(constant->dtype, Shape{rank + 1}, account_, "blocked sizes");
    if (!made.ok()) return false;
    Tensor wider = made.take();
    copy_elements(*constant, wider.data);
    const Shape blocks = blocked_shape(to);
    if (given == 3) wider.as<int64_t>()[1] = blocks[1], wider.as<int64_t>()[rank] = lanes_;
    else wider.as<float>()[rank] = 1;
    Node resize = node;
    resize.inputs[0] = blocked_[size_t(x)];
    resize.inputs[given] = add_constant(graph_[y].name + "/blocked_sizes", std::move(wider));
    emit_blocked(std::move(resize), y);
    return true;
  }

  // In no mode that another dimension changes.
  static bool resizes_like_a_block(const Node& node) {
    const std::string mode = string_of(node, "mode", "nearest");
    return node.opset >= 11 && (mode == "nearest" || mode == "linear") && ints_of(node, "axes").empty() && int_of(node, "antialias", 0) == 0 &&
           string_of(node, "keep_aspect_ratio_policy", "stretch") == "stretch" &&
           string_of(node, "coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize";
  }

  // How an operand that is not of the full shape appears beside blocked ones.
  enum class Spread { full, one, channels, image, none };

  Spread spread_of(ValueId v, const Shape& full) const {
    const TypeInfo& t = graph_[v].type;
    if (!t.static_shape() || t.dtype != DType::Float || t.shape.rank() > full.rank()) return Spread::none;
    if (t.shape == full) return Spread::full;
    if (t.shape.elements() == 1) return Spread::one;
    int missing = full.rank() - t.shape.rank();
    for (int d = 0; d < t.shape.rank(); ++d)
      if (t.shape[d] != 1 && (d + missing > 1 || t.shape[d] != full[d + missing])) return Spread::none;
    if (missing > 1) return Spread::none;
    if (graph_.constant(v) && t.shape.elements() == full[1]) return Spread::channels;
    return missing == 0 && t.shape[1] == full[1] ? Spread::image : Spread::none;
  }

  // What a padding lane of an operand holds: zero, or the only element of a constant. Empty: nobody knows yet.
  std::optional<float> padding_of(const Node& node, size_t i, const std::vector<Spread>& spreads) const {
    if (spreads[i] != Spread::one) return 0.0f;
    const Tensor* constant = graph_.constant(node.inputs[i]);
    return constant ? std::optional<float>(constant->as<float>()[0]) : std::nullopt;
  }

  // Padding lanes stay zero.
  bool keeps_zero(const Node& node, const ElementwiseInstruction& instruction, const std::vector<Spread>& spreads) const {
    static const char* const unary[] = {"Relu", "LeakyRelu", "HardSwish", "Tanh", "Neg", "Abs", "Swish", "Gelu"};
    for (const char* op : unary)
      if (node.op_type == op) return true;
    if (node.op_type == "Clip") return instruction.params.a <= 0 && instruction.params.b >= 0;
    if (instruction.operands() != 2) return false;
    const std::optional<float> a = padding_of(node, 0, spreads), b = padding_of(node, 1, spreads);
    if (!a || !b) return false;
    if (node.op_type == "Add") return *a + *b == 0;
    if (node.op_type == "Sub") return *a - *b == 0;
    if (node.op_type == "Mul") return *a * *b == 0;
    if (node.op_type == "Div") return *b != 0 && *a / *b == 0;
    if (node.op_type == "Max") return *a >= *b ? *a == 0 : *b == 0;
    if (node.op_type == "Min") return *a <= *b ? *a == 0 : *b == 0;
    return false;
  }

  Result<ValueId> spread_operand(ValueId v, Spread spread, int rank) {
    if (spread == Spread::full || spread == Spread::image) return make_blocked(v);
    Shape shape = Shape::filled(rank + 1, 1);
    if (spread == Spread::channels) shape[1] = (graph_[v].type.shape.elements() + lanes_ - 1) / lanes_, shape[rank] = lanes_;
    if (const Tensor* constant = graph_.constant(v)) {
      ENGINE_ASSIGN(Tensor t, make_tensor(DType::Float, shape, account_, "channel constants"));
      std::fill_n(t.as<float>(), t.elements(), 0.0f);
      copy_elements(*constant, t.data);
      return add_constant(graph_[v].name + "/blocked", std::move(t));
    }
    return v;
  }

  Status blocked_elementwise(const Node& node, bool* done) {
    if (node.outputs.size() != 1 || !has_channels(node.outputs[0]) || node.captures) return {};
    std::optional<ElementwiseInstruction> instruction = elementwise_instruction(graph_, node);
    if (!instruction) return {};
    const Shape full = graph_[node.outputs[0]].type.shape;
    std::vector<Spread> spreads(node.inputs.size(), Spread::none);
    int64_t ready = 0, wanted = 0;
    const int operands[] = {instruction->a, instruction->b, instruction->c};
    for (int o = 0; o < instruction->operands(); ++o) {
      ValueId v = node.inputs[size_t(operands[o])];
      if (v < 0) return {};
      Spread spread = spread_of(v, full);
      // One element that is no constant keeps its rank, which must not exceed that of the blocked tensors.
      if (spread == Spread::none) return {};
      spreads[size_t(operands[o])] = spread;
      if (spread == Spread::full) is_blocked(v) ? ++ready : ++wanted;
    }
    if (ready == 0 || wanted > ready) return {};
    if (full[1] % lanes_ != 0 && !keeps_zero(node, *instruction, spreads)) return {};
    Node changed = node;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] < 0 || spreads[i] == Spread::none) continue;
      ENGINE_ASSIGN(changed.inputs[i], spread_operand(node.inputs[i], spreads[i], full.rank()));
    }
    emit_blocked(std::move(changed), node.outputs[0]);
    *done = true;
    return {};
  }

  Graph& graph_;
  MemoryAccount* account_;
  const int64_t lanes_;
  std::vector<char> plain_;        // by value: a node makes it as it is
  std::vector<ValueId> blocked_;   // by value: its blocked form
  std::vector<char> feeds_conv_;   // by value: a convolution reads it
  std::vector<ValueId> last_;      // by value: the same with channels last, a plain value that a transposition reads
  std::vector<Node> result_;
};

}  // namespace

Status pass_assign_layouts(Graph& graph, PassContext& context, bool* changed) { return LayoutWalk(graph, context.account).run(changed); }

}  // namespace engine

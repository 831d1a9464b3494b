// Convolutions of bytes and what lies between them get tensors of pixels of channels: [n, spatial..., channel]. Transpositions
// stand where a value is made in one order and wanted in the other, once for each value.
//
// One walk in the nodes' order. A convolution of bytes makes values of pixels; pools, joins, resizing and element-wise
// operators follow the order of what they read; all other nodes get plain values.
#include <algorithm>

#include "passes/channels_last_node.h"
#include "passes/pass.h"

namespace engine {
namespace {

class Walk {
 public:
  Walk(Graph& graph, MemoryAccount* account)
      : graph_(graph), account_(account), plain_(graph.values.size(), 1), last_(graph.values.size(), kNoValue) {}

  Status run(bool* changed) {
    if (std::none_of(graph_.nodes.begin(), graph_.nodes.end(), is_byte_conv)) return {};
    std::vector<Node> nodes = std::move(graph_.nodes);
    for (Node& node : nodes) {
      bool done = false;
      if (!node.captures && node.outputs.size() == 1 && has_channels(node.outputs[0])) ENGINE_TRY(follow(node, &done));
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
  bool has_channels(ValueId v) const {
    if (v < 0) return false;
    const TypeInfo& t = graph_[v].type;
    return t.static_shape() && t.shape.rank() >= 3 && t.shape.rank() < kMaxRank;
  }
  bool is_last(ValueId v) const { return v >= 0 && last_[size_t(v)] != kNoValue; }

  void sync() { plain_.resize(graph_.values.size(), 1), last_.resize(graph_.values.size(), kNoValue); }

  ValueId last_value(ValueId v) {
    const TypeInfo& t = graph_[v].type;
    ValueId to = graph_.add_value(graph_[v].name + "/channels_last", TypeInfo::tensor(t.dtype, channels_last_shape(t.shape)));
    sync();
    return to;
  }

  void transpose(ValueId from, ValueId to, std::vector<int64_t> perm) {
    Node node;
    node.name = graph_[to].name;
    node.op_type = "Transpose";
    node.opset = 13;
    node.inputs = {from};
    node.outputs = {to};
    node.attributes = std::make_shared<const Attributes>(Attributes{ints_attribute("perm", std::move(perm))});
    result_.push_back(std::move(node));
  }

  void make_plain(ValueId v) {
    if (v < 0 || plain_[size_t(v)]) return;
    transpose(last_[size_t(v)], v, channels_first_axes(graph_[v].type.shape.rank()));
    plain_[size_t(v)] = 1;
  }

  Result<ValueId> make_last(ValueId v) {
    if (is_last(v)) return last_[size_t(v)];
    if (const Tensor* constant = graph_.constant(v); constant && constant->elements() == channels_last_shape(constant->shape).back()) {
      ENGINE_ASSIGN(Tensor t, make_tensor(constant->dtype, channels_last_shape(constant->shape), account_, "channel constants"));
      copy_elements(*constant, t.data);
      last_[size_t(v)] = graph_.add_constant(graph_[v].name + "/channels_last", std::move(t));
      ValueId made = last_[size_t(v)];
      sync();
      return made;
    }
    ValueId to = last_value(v);
    transpose(v, to, channels_last_axes(graph_[v].type.shape.rank()));
    last_[size_t(v)] = to;
    return to;
  }

  void keep(Node node) {
    for (ValueId v : node.inputs) make_plain(v);
    result_.push_back(std::move(node));
  }

  // `node` becomes what it is over pixels, when it can and what it reads is so.
  Status follow(const Node& node, bool* done) {
    std::vector<LastOperand> operands;
    std::optional<Node> changed = channels_last_form(graph_, node, &operands);
    if (!changed) return {};
    int64_t ready = 0, wanted = 0;
    for (const LastOperand& o : operands) {
      if (!has_channels(node.inputs[o.position])) return {};
      if (o.decides) is_last(node.inputs[o.position]) ? ++ready : ++wanted;
    }
    if (!is_byte_conv(node) && (ready == 0 || wanted > ready)) return {};
    for (const LastOperand& o : operands) {
      ENGINE_ASSIGN(changed->inputs[o.position], make_last(node.inputs[o.position]));
    }
    for (size_t i = 0; i < node.inputs.size(); ++i)
      if (changed->inputs[i] == node.inputs[i]) make_plain(node.inputs[i]);
    ENGINE_TRY(channels_last_constants(graph_, account_, &*changed));
    sync();
    ValueId v = node.outputs[0], to = last_value(v);
    changed->outputs = {to};
    result_.push_back(std::move(*changed));
    last_[size_t(v)] = to;
    plain_[size_t(v)] = 0;
    *done = true;
    return {};
  }

  Graph& graph_;
  MemoryAccount* account_;
  std::vector<char> plain_;     // by value: a node makes it as it is
  std::vector<ValueId> last_;   // by value: its form with channels last
  std::vector<Node> result_;
};

}  // namespace

Status pass_assign_channels_last(Graph& graph, PassContext& context, bool* changed) { return Walk(graph, context.account).run(changed); }

}  // namespace engine

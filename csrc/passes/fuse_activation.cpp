// The activation of a product's or a convolution's result becomes part of it.
#include <cmath>

#include "passes/conv_node.h"
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

struct Named {
  const char* name = nullptr;
  float a = 0, b = 0;
};

Named clip_limits(const Graph& graph, const Node& node) {
  Named none, clip{"Clip", -INFINITY, INFINITY};
  if (node.opset < 11) {
    clip.a = float_of(node, "min", -INFINITY);
    clip.b = float_of(node, "max", INFINITY);
    return clip;
  }
  for (size_t i : {size_t(1), size_t(2)}) {
    ValueId v = input_of(node, i);
    if (v < 0) continue;
    std::optional<float> limit = scalar_constant(graph, v);
    if (!limit || std::isnan(*limit)) return none;
    (i == 1 ? clip.a : clip.b) = *limit;
  }
  return clip.a <= clip.b ? clip : none;
}

Named activation_of(const Graph& graph, const Node& node) {
  const std::string& op = node.op_type;
  if (node.domain == "com.microsoft") return op == "Gelu" ? Named{"Gelu"} : Named{};
  if (!node.domain.empty()) return {};
  if (op == "Relu") return {"Relu"};
  if (op == "Sigmoid") return {"Sigmoid"};
  if (op == "Tanh") return {"Tanh"};
  if (op == "HardSwish") return {"HardSwish"};
  if (op == "LeakyRelu") return {"LeakyRelu", float_of(node, "alpha", 0.01f)};
  if (op == "HardSigmoid") return {"HardSigmoid", float_of(node, "alpha", 0.2f), float_of(node, "beta", 0.5f)};
  if (op == "Swish" && float_of(node, "alpha", 1) == 1) return {"Silu"};
  if (op == "Clip") return clip_limits(graph, node);
  if (op == "Gelu") {
    const Attribute* a = node.attributes ? find_attribute(*node.attributes, "approximate") : nullptr;
    return {a && !a->strings.empty() && a->strings[0] == "tanh" ? "GeluTanh" : "Gelu"};
  }
  return {};
}

// x * Sigmoid(x): the index of the Mul when `x` is used by these two alone, else -1.
int silu_of(Rewriter& rewriter, ValueId x) {
  if (rewriter.is_output(x) || rewriter.uses(x).size() != 2) return -1;
  for (int user : rewriter.uses(x)) {
    const Node& sigmoid = rewriter.graph().nodes[size_t(user)];
    if (!is_node(&sigmoid, "Sigmoid") || !rewriter.single_use(sigmoid.outputs[0])) continue;
    int mul = rewriter.uses(sigmoid.outputs[0])[0];
    const Node& node = rewriter.graph().nodes[size_t(mul)];
    if (is_node(&node, "Mul") && (node.inputs[0] == x || node.inputs[1] == x)) return mul;
  }
  return -1;
}

bool takes_activation(const Node& node) { return is_product(&node) || is_conv(&node); }

void fuse(Rewriter& rewriter, int product, int last, const Named& activation) {
  Node node = rewriter.graph().nodes[size_t(product)];
  node.attributes = with_attribute(node, string_attribute("activation", activation.name));
  node.attributes = with_attribute(node, float_attribute("activation_a", activation.a));
  node.attributes = with_attribute(node, float_attribute("activation_b", activation.b));
  replace_product(rewriter, product, last, std::move(node));
}

}  // namespace

Status pass_fuse_activation(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    if (rewriter.removed(int(i)) || !takes_activation(graph.nodes[i]) || !has_no_activation(graph.nodes[i])) continue;
    ValueId v = graph.nodes[i].outputs[0];
    if (int mul = silu_of(rewriter, v); mul >= 0) {
      int sigmoid = rewriter.producer(graph.nodes[size_t(mul)].inputs[graph.nodes[size_t(mul)].inputs[0] == v ? 1 : 0]);
      fuse(rewriter, int(i), mul, {"Silu"});
      rewriter.remove(sigmoid);
      continue;
    }
    if (!rewriter.single_use(v)) continue;
    int user = rewriter.uses(v)[0];
    const Node& node = graph.nodes[size_t(user)];
    Named activation = activation_of(graph, node);
    if (activation.name && node.inputs[0] == v && node.outputs.size() == 1) fuse(rewriter, int(i), user, activation);
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

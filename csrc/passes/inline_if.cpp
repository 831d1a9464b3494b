// An If whose condition is known becomes the nodes of the branch that is taken.
#include "passes/pass.h"

namespace engine {
namespace {

const Graph* taken_branch(const Graph& graph, const Node& node) {
  if (!node.domain.empty() || node.op_type != "If") return nullptr;
  const Tensor* condition = graph.constant(node.inputs[0]);
  if (!condition || condition->dtype != DType::Bool || condition->elements() != 1) return nullptr;
  const char* name = condition->as<uint8_t>()[0] ? "then_branch" : "else_branch";
  for (const Body& body : node.bodies)
    if (body.name == name) return body.graph.get();
  return nullptr;
}

class Inliner {
 public:
  Inliner(Rewriter& rewriter, int node, const Graph& branch) : rewriter_(rewriter), node_(node), branch_(branch) {}

  void run() {
    map_values();
    for (const Node& inner : branch_.nodes) copy_node(inner);
    std::vector<ValueId> outputs = rewriter_.graph().nodes[size_t(node_)].outputs;
    rewriter_.remove(node_);
    for (size_t o = 0; o < outputs.size(); ++o)
      if (outputs[o] >= 0) give(outputs[o], mapped_[size_t(branch_.outputs[o])]);
  }

 private:
  void map_values() {
    const Node& node = rewriter_.graph().nodes[size_t(node_)];
    mapped_.assign(branch_.values.size(), kNoValue);
    std::vector<ValueId> captured(node.inputs.end() - node.captures, node.inputs.end());
    for (size_t i = 0; i < branch_.inputs.size(); ++i) mapped_[size_t(branch_.inputs[i])] = captured[i];
    for (size_t v = 0; v < branch_.values.size(); ++v) {
      if (mapped_[v] >= 0) continue;
      mapped_[v] = rewriter_.add_value(branch_.values[v].name, branch_.values[v].type);
      rewriter_.graph()[mapped_[v]].constant = branch_.values[v].constant;
    }
  }

  void copy_node(const Node& inner) {
    Node copy = inner;
    for (ValueId& v : copy.inputs)
      if (v >= 0) v = mapped_[size_t(v)];
    for (ValueId& v : copy.outputs)
      if (v >= 0) v = mapped_[size_t(v)];
    rewriter_.add(std::move(copy));
  }

  // `out`, which has no producer any more, is `value`.
  void give(ValueId out, ValueId value) {
    Node identity;
    identity.name = "If";
    identity.op_type = "Identity";
    identity.opset = 21;
    identity.inputs = {value};
    identity.outputs = {out};
    rewriter_.add(std::move(identity));
  }

  Rewriter& rewriter_;
  int node_;
  const Graph& branch_;
  std::vector<ValueId> mapped_;
};

}  // namespace

Status pass_inline_if(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  size_t count = graph.nodes.size();
  for (size_t i = 0; i < count; ++i) {
    const Graph* found = taken_branch(graph, graph.nodes[i]);
    if (!found || found->outputs.size() != graph.nodes[i].outputs.size()) continue;
    Graph branch = *found;
    Inliner(rewriter, int(i), branch).run();
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

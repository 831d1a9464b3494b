// A transpose of a transpose becomes one, or none.
#include "passes/pass.h"

namespace engine {
namespace {

const std::vector<int64_t>* permutation(const Node* node) {
  if (!node || !node->domain.empty() || node->op_type != "Transpose" || !node->attributes) return nullptr;
  const Attribute* perm = find_attribute(*node->attributes, "perm");
  return perm ? &perm->ints : nullptr;
}

}  // namespace

Status pass_merge_transposes(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const std::vector<int64_t>* outer = permutation(&graph.nodes[i]);
    if (!outer) continue;
    const Node* first = rewriter.producer_node(graph.nodes[i].inputs[0]);
    const std::vector<int64_t>* inner = permutation(first);
    if (!inner || inner->size() != outer->size()) continue;
    std::vector<int64_t> both(outer->size());
    for (size_t d = 0; d < both.size(); ++d) both[d] = (*inner)[size_t((*outer)[d])];
    ValueId source = first->inputs[0];
    graph.nodes[i].attributes = std::make_shared<const Attributes>(Attributes{ints_attribute("perm", std::move(both))});
    rewriter.set_input(int(i), 0, source);
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

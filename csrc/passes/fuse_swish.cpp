// x sigmoid(alpha x) becomes Swish.
#include "passes/arithmetic.h"
#include "passes/pass.h"
#include "passes/product_node.h"

namespace engine {
namespace {

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), rewriter_(graph) {}

  Status run(bool* changed) {
    size_t count = graph_.nodes.size();
    for (size_t i = 0; i < count; ++i)
      if (!rewriter_.removed(int(i)) && is_node(&graph_.nodes[i], "Mul")) match(int(i));
    *changed = rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  void match(int root) {
    ValueId out = graph_.nodes[size_t(root)].outputs[0];
    Factors p = factors_of(rewriter_, out, true);
    if (p.values.size() != 2) return;
    for (size_t side : {size_t(0), size_t(1)}) {
      ValueId x = p.values[side], gate = p.values[1 - side];
      if (!keeps_shape(graph_, x, p.rank) || !rewriter_.single_use(gate)) continue;
      const Node* node = rewriter_.producer_node(gate);
      if (p.factor == 1 && is_node(node, "Sigmoid")) {
        Factors u = factors_of(rewriter_, node->inputs[0]);
        if (u.values != std::vector<ValueId>{x} || !keeps_shape(graph_, x, u.rank)) continue;
        return replace_node(rewriter_, root, "Swish", 24, {x}, {float_attribute("alpha", float(u.factor))});
      }
    }
  }

  Graph& graph_;
  Rewriter rewriter_;
};

}  // namespace

Status pass_fuse_swish(Graph& graph, PassContext&, bool* changed) { return Fuser(graph).run(changed); }

}  // namespace engine

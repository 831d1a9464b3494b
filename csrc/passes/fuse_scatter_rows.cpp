// ScatterElements(data, Expand(indices), updates) with one index for each place along the axis becomes engine.ScatterRows.
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
      if (is_node(&graph_.nodes[i], "ScatterElements")) match(int(i));
    *changed = rewriter_.changed();
    return rewriter_.finish();
  }

 private:
  const Shape* shape_of(ValueId v) const { return v >= 0 && graph_[v].type.static_shape() ? &graph_[v].type.shape : nullptr; }

  // The indices before Expand repeats them off the axis, or kNoValue.
  ValueId source(const Node& scatter, int axis) {
    const Node* expand = rewriter_.producer_node(scatter.inputs[1]);
    if (!is_node(expand, "Expand")) return kNoValue;
    const Shape *narrow = shape_of(expand->inputs[0]), *wide = shape_of(expand->outputs[0]);
    if (!narrow || !wide || narrow->elements() != (*wide)[axis]) return kNoValue;
    int at = axis - (wide->rank() - narrow->rank());
    return at >= 0 && (*narrow)[at] == (*wide)[axis] ? expand->inputs[0] : kNoValue;
  }

  void match(int i) {
    const Node& scatter = graph_.nodes[size_t(i)];
    const Shape *data = shape_of(scatter.inputs[0]), *updates = shape_of(scatter.inputs[2]);
    if (!data || !updates || data->rank() != updates->rank()) return;
    std::vector<int64_t> given = ints_of(scatter, "axis");
    int axis = int(given.empty() ? 0 : given[0] < 0 ? given[0] + data->rank() : given[0]);
    for (int d = 0; d < data->rank(); ++d)
      if (d != axis && (*data)[d] != (*updates)[d]) return;
    ValueId indices = source(scatter, axis);
    if (indices == kNoValue) return;
    Node rows;
    rows.name = scatter.name;
    rows.domain = "engine";
    rows.op_type = "ScatterRows";
    rows.opset = 1;
    rows.inputs = {scatter.inputs[0], indices, scatter.inputs[2]};
    rows.attributes = scatter.attributes;
    rewriter_.steal_outputs(i, rewriter_.add(std::move(rows)));
  }

  Graph& graph_;
  Rewriter rewriter_;
};

}  // namespace

Status pass_fuse_scatter_rows(Graph& graph, PassContext&, bool* changed) { return Fuser(graph).run(changed); }

}  // namespace engine

#include "graph/graph.h"

namespace engine {
namespace {

class Checker {
 public:
  Checker(const Graph& graph, const char* stage) : graph_(graph), stage_(stage), defined_(graph.values.size(), 0) {}

  Status run() {
    for (ValueId v : graph_.inputs) ENGINE_TRY(define(v, "graph input"));
    for (size_t v = 0; v < graph_.values.size(); ++v)
      if (graph_.values[v].constant) ENGINE_TRY(define(ValueId(v), "constant"));
    for (const Node& node : graph_.nodes) ENGINE_TRY(check_node(node));
    for (ValueId v : graph_.outputs) ENGINE_TRY(use(v, "the graph's outputs"));
    return {};
  }

 private:
  Status fail(const std::string& what) {
    return error(Code::InternalError, "after %s the graph is inconsistent: %s", stage_, what.c_str());
  }

  Status define(ValueId v, const std::string& by) {
    if (v < 0 || size_t(v) >= defined_.size()) return fail(by + " defines a value that does not exist");
    if (defined_[size_t(v)]) return fail("value '" + graph_[v].name + "' is defined twice, the second time by " + by);
    defined_[size_t(v)] = 1;
    return {};
  }

  Status use(ValueId v, const std::string& by) {
    if (v < 0 || size_t(v) >= defined_.size()) return fail(by + " uses a value that does not exist");
    if (!defined_[size_t(v)]) return fail(by + " uses '" + graph_[v].name + "' before it is defined");
    return {};
  }

  Status check_node(const Node& node) {
    for (ValueId v : node.inputs)
      if (v != kNoValue) ENGINE_TRY(use(v, node.label()));
    for (ValueId v : node.outputs)
      if (v != kNoValue) ENGINE_TRY(define(v, node.label()));
    if (node.captures < 0 || size_t(node.captures) > node.inputs.size()) return fail(node.label() + " has a wrong count of captures");
    for (const Body& body : node.bodies) {
      if (!body.graph) continue;
      if (body.graph->inputs.size() < size_t(node.captures)) return fail(node.label() + ": body lacks its captured inputs");
      ENGINE_TRY(check_graph(*body.graph, stage_).with_context(node.label()));
    }
    return {};
  }

  const Graph& graph_;
  const char* stage_;
  std::vector<char> defined_;
};

}  // namespace

Status check_graph(const Graph& graph, const char* stage) { return Checker(graph, stage).run(); }

}  // namespace engine

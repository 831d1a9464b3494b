// A graph with its producers and uses indexed, for passes that match and replace.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace engine {

class Rewriter {
 public:
  explicit Rewriter(Graph& graph);

  Graph& graph() { return graph_; }

  // The node (index into graph().nodes) that makes `v`, or -1 for inputs and constants.
  int producer(ValueId v) const { return v < 0 ? -1 : producer_[size_t(v)]; }
  Node* producer_node(ValueId v) { return producer(v) < 0 ? nullptr : &graph_.nodes[size_t(producer(v))]; }
  // The nodes that use `v`, once for each input position.
  const std::vector<int>& uses(ValueId v) const { return uses_[size_t(v)]; }
  bool is_output(ValueId v) const { return output_[size_t(v)]; }
  // True when one node, at one position, uses `v`, and it is no graph output.
  bool single_use(ValueId v) const { return uses(v).size() == 1 && !is_output(v); }
  bool removed(int node) const { return removed_[size_t(node)]; }

  // Every use of `from` (graph outputs too) becomes a use of `to`. A graph output keeps its name: `to` takes it over
  // when `to` is neither input nor output nor constant; otherwise false and nothing is changed.
  bool replace(ValueId from, ValueId to);

  // Adds a node (not yet sorted: finish() sorts) and returns its index. References to nodes become invalid.
  int add(Node node);
  ValueId add_constant(std::string name, Tensor tensor);
  ValueId add_value(std::string name, TypeInfo type);
  // Changes input `position` of `node`.
  void set_input(int node, int position, ValueId v);
  // Takes the node out. REQUIRES: its outputs have no uses left, or are outputs of a node added since (see steal_outputs).
  void remove(int node);
  // `to`'s outputs become those of `from`, which is removed: the new node makes the values that the old one made.
  void steal_outputs(int from, int to);

  // Drops removed nodes, sorts, drops what became dead. The rewriter must not be used afterwards.
  Status finish();
  bool changed() const { return changed_; }

 private:
  Graph& graph_;
  std::vector<int> producer_;
  std::vector<std::vector<int>> uses_;
  std::vector<char> output_;
  std::vector<char> removed_;
  bool changed_ = false;
};

}  // namespace engine

// Nodes that compute the same from the same become one (common subexpressions).
#include <map>

#include "passes/pass.h"

namespace engine {
namespace {

void append(std::string& key, const void* data, size_t size) { key.append(static_cast<const char*>(data), size); }

template <class T>
void append_all(std::string& key, const std::vector<T>& values) {
  size_t n = values.size();
  append(key, &n, sizeof n);
  append(key, values.data(), n * sizeof(T));
}

// False when an attribute cannot be compared by its bytes.
bool append_attributes(std::string& key, const Attributes& attributes) {
  for (const Attribute& a : attributes) {
    if (!a.tensors.empty() || !a.types.empty()) return false;
    key += a.name;
    key += char(0);
    key += char(a.kind);
    append_all(key, a.ints);
    append_all(key, a.floats);
    for (const std::string& s : a.strings) key += std::to_string(s.size()) + ":" + s;
  }
  return true;
}

bool node_key(const Node& node, std::string& key) {
  if (!node.bodies.empty() || (node.def->flags & (kOpRandom | kOpMayDraw))) return false;
  key = node.full_op_type() + char(0) + std::to_string(node.opset) + char(0);
  append_all(key, node.inputs);
  size_t outputs = node.outputs.size();
  append(key, &outputs, sizeof outputs);
  return !node.attributes || append_attributes(key, *node.attributes);
}

}  // namespace

Status pass_merge_common(Graph& graph, PassContext&, bool* changed) {
  Rewriter rewriter(graph);
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    std::string key;
    if (!node_key(graph.nodes[i], key)) continue;
    auto [it, fresh] = seen.emplace(std::move(key), i);
    if (fresh) continue;
    const Node &first = graph.nodes[it->second], &again = graph.nodes[i];
    for (size_t o = 0; o < again.outputs.size(); ++o)
      if (again.outputs[o] >= 0 && first.outputs[o] >= 0) rewriter.replace(again.outputs[o], first.outputs[o]);
  }
  *changed = rewriter.changed();
  return rewriter.finish();
}

}  // namespace engine

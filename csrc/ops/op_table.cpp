#include <map>
#include <set>

#include "ops/added_operators.h"

namespace engine {

const OpTable& op_table() {
  static const OpTable* table = [] {
    auto* t = new OpTable;
    fill_op_table(*t);
    return t;
  }();
  return *table;
}

namespace {

using Key = std::pair<std::string, std::string>;

const std::map<Key, std::vector<const OpDef*>>& index() {
  static const auto* by_name = [] {
    auto* m = new std::map<Key, std::vector<const OpDef*>>;
    for (const OpDef& def : op_table().rows()) (*m)[{def.domain, def.name}].push_back(&def);
    return m;
  }();
  return *by_name;
}

std::string count_text(int least, int most) {
  if (least == most) return std::to_string(least);
  if (most < 0) return "at least " + std::to_string(least);
  return std::to_string(least) + " to " + std::to_string(most);
}

Status check_counts(const Node& node) {
  const OpDef& def = *node.def;
  int inputs = int(node.inputs.size()) - node.captures, outputs = int(node.outputs.size());
  if (inputs < def.min_inputs || (def.max_inputs >= 0 && inputs > def.max_inputs))
    return error(Code::InvalidModel, "%s has %d inputs; %s are allowed", node.label().c_str(), inputs,
                 count_text(def.min_inputs, def.max_inputs).c_str());
  if (outputs < def.min_outputs || (def.max_outputs >= 0 && outputs > def.max_outputs))
    return error(Code::InvalidModel, "%s has %d outputs; %s are allowed", node.label().c_str(), outputs,
                 count_text(def.min_outputs, def.max_outputs).c_str());
  for (int i = 0; i < def.min_inputs; ++i)
    if (node.inputs[size_t(i)] == kNoValue)
      return error(Code::InvalidModel, "%s: input %d is required but left out", node.label().c_str(), i);
  return {};
}

// A node keeps the row that it has while it is the same operator: a row that is added later is for models that come later.
const OpDef* def_of(const Node& node) {
  const OpDef* def = op_table().find(node.domain, node.op_type, node.opset);
  if (def) return def;
  if (node.def && node.domain == node.def->domain && node.op_type == node.def->name) return node.def;
  return find_added_operator(node.domain, node.op_type, node.opset);
}

Status resolve_into(Graph& graph, std::set<std::string>& unknown) {
  for (Node& node : graph.nodes) {
    node.def = def_of(node);
    if (node.def) ENGINE_TRY(check_counts(node));
    else unknown.insert(node.full_op_type() + " (version " + std::to_string(node.opset) + ")");
    for (Body& body : node.bodies)
      if (body.graph) ENGINE_TRY(resolve_into(*body.graph, unknown));
  }
  return {};
}

}  // namespace

const OpDef* OpTable::find(const std::string& domain, const std::string& name, int version) const {
  auto it = index().find({domain, name});
  if (it == index().end()) return nullptr;
  const OpDef* best = nullptr;
  for (const OpDef* def : it->second)
    if (def->since <= version && (!best || def->since > best->since)) best = def;
  return best;
}

Status resolve(Graph& graph) {
  std::set<std::string> unknown;
  ENGINE_TRY(resolve_into(graph, unknown));
  if (unknown.empty()) return {};
  const std::string trouble = find_more_operators();
  unknown.clear();
  ENGINE_TRY(resolve_into(graph, unknown));
  if (unknown.empty()) return {};
  std::string list;
  for (const std::string& name : unknown) list += (list.empty() ? "" : ", ") + name;
  const std::string domains = added_domains();
  if (!domains.empty()) list += "; registered are operators of the domains " + domains;
  if (!trouble.empty()) list += "; " + trouble;
  return error(Code::UnsupportedOperator, "operators that this version does not run: %s", list.c_str());
}

}  // namespace engine

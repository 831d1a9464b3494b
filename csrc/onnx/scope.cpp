#include "onnx/scope.h"

namespace engine::onnx {
namespace {

// `value` of the graph of `from`, which is `to` or around it, in the graph of `to`.
Result<ValueId> bring_in(GraphContext& to, const GraphContext* from, ValueId value, Budget& budget) {
  if (&to == from || value == kNoValue) return value;
  ENGINE_ASSIGN(ValueId outer, bring_in(*to.outer, from, value, budget));
  if (auto known = to.inner_of.find(outer); known != to.inner_of.end()) return known->second;
  const GraphValue& source = (*to.outer->graph)[outer];
  ENGINE_ASSIGN(ValueId inner, add_value(*to.graph, budget, source.name, source.type));
  to.inner_of.emplace(outer, inner);
  if (source.constant)
    (*to.graph)[inner].constant = source.constant;
  else
    to.captures.push_back({outer, inner});
  return inner;
}

}  // namespace

Result<ValueId> add_value(Graph& graph, Budget& budget, std::string name, const TypeInfo& type) {
  ENGINE_TRY(budget.take_values(1));
  ENGINE_TRY(budget.take_bytes(int64_t(sizeof(GraphValue) + name.size())));
  return graph.add_value(std::move(name), type);
}

Status find_value(const Scope& scope, GraphContext& context, Bytes name, Budget& budget, bool* found, ValueId* value) {
  *found = false;
  for (const Scope* s = &scope; s; s = s->outer) {
    auto declared = s->names.find(name);
    if (declared == s->names.end()) continue;
    ENGINE_ASSIGN(*value, bring_in(context, s->context, declared->second, budget));
    *found = true;
    return {};
  }
  return {};
}

}  // namespace engine::onnx

// What the operators on sequences share.
#pragma once

#include <utility>

#include "ops/op.h"

namespace engine {

inline Status require_sequence(const InferContext& c, int i) {
  if (!c.has_input(i)) return error(Code::InvalidModel, "input %d is missing", i);
  const TypeInfo& type = c.type(i);
  if (type.kind == TypeKind::Sequence || type.kind == TypeKind::Unknown) return {};
  return error(Code::InvalidModel, "input %d is %s; a sequence is expected", i, type.text().c_str());
}

// The content's type; Unknown when it is not known.
inline TypeInfo element_type(const TypeInfo& type) { return type.element ? *type.element : TypeInfo(); }

// Input i's elements, or InvalidInput.
inline Result<const std::vector<Value>*> sequence_items(OpRun& r, int i) {
  const Value* v = r.value(i);
  if (!v || v->kind != ValueKind::Sequence || !v->parts) return error(Code::InvalidInput, "input %d is no sequence", i);
  return &v->parts->items;
}

inline Status require_position(const InferContext& c, int i) {
  if (!c.has_input(i)) return {};
  ENGINE_TRY(c.require(i, dtypes::kIndex));
  if (c.known(i) && c.shape(i).elements() != 1)
    return error(Code::InvalidModel, "the position has shape %s; one element is allowed", c.shape(i).text().c_str());
  return {};
}

// The position in [0, count) that input i names, counted from the back when negative; `fallback` when it is left out.
inline Result<size_t> position_at(OpRun& r, int i, size_t count, size_t fallback) {
  if (!r.has(i)) return fallback;
  if (r.in(i).elements() != 1) return error(Code::InvalidInput, "the position has shape %s", r.in(i).shape.text().c_str());
  int64_t given = integer_at(r.in(i), 0), n = int64_t(count), at = given < 0 ? given + n : given;
  if (at < 0 || at >= n)
    return error(Code::InvalidInput, "position %lld is out of range; %lld to %lld are allowed", (long long)given, -(long long)n,
                 (long long)n - 1);
  return size_t(at);
}

inline void give_sequence(OpRun& r, int o, std::shared_ptr<const ValueParts> parts) {
  Value v;
  v.kind = ValueKind::Sequence;
  v.parts = std::move(parts);
  r.set(o, std::move(v));
}

inline Value tensor_value(Tensor tensor) {
  Value v;
  v.kind = ValueKind::Tensor;
  v.tensor = std::move(tensor);
  return v;
}

}  // namespace engine

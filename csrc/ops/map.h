// What the operators that take maps share.
#pragma once

#include "ops/op.h"

namespace engine {

inline Status require_map(const InferContext& c, int i, DTypeSet keys, DTypeSet values) {
  if (!c.has_input(i)) return error(Code::InvalidModel, "input %d is missing", i);
  const TypeInfo& type = c.type(i);
  if (type.kind == TypeKind::Unknown) return {};
  if (type.kind == TypeKind::Map && contains(keys, type.key) && contains(values, type.dtype)) return {};
  return error(Code::InvalidModel, "input %d is %s; a map from %s to %s is expected", i, type.text().c_str(),
               dtype_set_names(keys).c_str(), dtype_set_names(values).c_str());
}

struct MapContent {
  const Tensor* keys;
  const Tensor* values;
};

// Keys and values, as many of each, of a map input, or InvalidInput. The keys have dtype `key`; the values are strings
// when `text`, else numbers.
inline Result<MapContent> map_content(OpRun& r, int i, DType key, bool text) {
  const Value* v = r.value(i);
  if (!v || v->kind != ValueKind::Map || !v->parts || v->parts->items.size() != 2) return error(Code::InvalidInput, "input %d is no map", i);
  MapContent map{&v->parts->items[0].tensor, &v->parts->items[1].tensor};
  if (map.keys->elements() != map.values->elements()) return error(Code::InvalidInput, "input %d has keys without values", i);
  bool is_text = map.values->dtype == DType::String, is_number = contains(dtypes::kNumeric, map.values->dtype);
  if (map.keys->elements() == 0) return map;
  if (map.keys->dtype != key || (text ? !is_text : !is_number))
    return error(Code::InvalidInput, "input %d is a map from %s to %s; from %s to %s is expected", i, dtype_name(map.keys->dtype),
                 dtype_name(map.values->dtype), dtype_name(key), text ? "string" : "numbers");
  return map;
}

}  // namespace engine

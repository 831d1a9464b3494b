#include "graph/type_info.h"

namespace engine {

TypeInfo TypeInfo::tensor(DType dtype) {
  TypeInfo t;
  t.kind = TypeKind::Tensor;
  t.dtype = dtype;
  return t;
}

TypeInfo TypeInfo::tensor(DType dtype, const Shape& shape) {
  TypeInfo t = tensor(dtype);
  t.has_rank = true;
  t.shape = shape;
  return t;
}

TypeInfo TypeInfo::sequence(TypeInfo element) {
  TypeInfo t;
  t.kind = TypeKind::Sequence;
  if (element.kind != TypeKind::Unknown) t.element = std::make_shared<const TypeInfo>(std::move(element));
  return t;
}

TypeInfo TypeInfo::optional(TypeInfo element) {
  TypeInfo t = sequence(std::move(element));
  t.kind = TypeKind::Optional;
  return t;
}

TypeInfo TypeInfo::map(DType key, DType value) {
  TypeInfo t;
  t.kind = TypeKind::Map;
  t.key = key;
  t.dtype = value;
  return t;
}

std::string TypeInfo::text() const {
  switch (kind) {
    case TypeKind::Tensor: return std::string("tensor(") + dtype_name(dtype) + ")" + (has_rank ? shape.text() : "");
    case TypeKind::Sequence: return "seq(" + (element ? element->text() : "?") + ")";
    case TypeKind::Optional: return "optional(" + (element ? element->text() : "?") + ")";
    case TypeKind::Map: return std::string("map(") + dtype_name(key) + ", " + dtype_name(dtype) + ")";
    case TypeKind::Unknown: break;
  }
  return "unknown";
}

bool same_kind(const TypeInfo& a, const TypeInfo& b) {
  if (a.kind != b.kind || a.dtype != b.dtype || a.key != b.key) return false;
  return !a.element || !b.element || same_kind(*a.element, *b.element);
}

TypeInfo merge_types(const TypeInfo& a, const TypeInfo& b) {
  TypeInfo out = a;
  if (a.element && b.element) out.element = std::make_shared<const TypeInfo>(merge_types(*a.element, *b.element));
  else if (!a.element) out.element = b.element;
  if (!a.has_rank || !b.has_rank || a.shape.rank() != b.shape.rank()) {
    out.has_rank = false;
    out.shape = Shape();
    return out;
  }
  for (int i = 0; i < a.shape.rank(); ++i)
    if (a.shape[i] != b.shape[i]) out.shape[i] = kUnknownDim;
  return out;
}

}  // namespace engine

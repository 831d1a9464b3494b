// What is known of a value before it exists.
#pragma once

#include <memory>
#include <string>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace engine {

enum class TypeKind : uint8_t { Unknown, Tensor, Sequence, Optional, Map };

struct TypeInfo {
  TypeKind kind = TypeKind::Unknown;
  DType dtype = DType::Undefined;             // Tensor: of its elements. Map: of its values.
  DType key = DType::Undefined;               // Map
  bool has_rank = false;                      // Tensor: `shape` has the right rank; dimensions may be kUnknownDim
  Shape shape;
  std::shared_ptr<const TypeInfo> element;    // Sequence, Optional: of the content; may be null when not known

  static TypeInfo tensor(DType dtype);
  static TypeInfo tensor(DType dtype, const Shape& shape);
  static TypeInfo sequence(TypeInfo element);
  static TypeInfo optional(TypeInfo element);
  static TypeInfo map(DType key, DType value);

  bool is_tensor() const { return kind == TypeKind::Tensor; }
  // A tensor whose every dimension is known.
  bool static_shape() const { return is_tensor() && has_rank && shape.known(); }
  // "tensor(float32)[2, ?]", "seq(tensor(int64))", "map(int64, float32)"
  std::string text() const;
};

// Same kind and element types, shapes apart.
bool same_kind(const TypeInfo& a, const TypeInfo& b);

// What holds of both: the kind and dtypes (REQUIRES: same_kind), and the dimensions that agree.
TypeInfo merge_types(const TypeInfo& a, const TypeInfo& b);

}  // namespace engine

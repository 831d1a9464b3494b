// What If, Loop, Scan and SequenceMap share: the types that a body's values take over any number of iterations, and tensors
// that grow by one slice an iteration.
#pragma once

#include <vector>

#include "ops/op.h"

namespace engine {

// The type that covers both: equal kinds are merged, an optional covers its content, Unknown covers all. InvalidModel when
// there is none.
inline Result<TypeInfo> join_types(const TypeInfo& a, const TypeInfo& b) {
  if (a.kind == TypeKind::Unknown || b.kind == TypeKind::Unknown) return TypeInfo();
  if (a.kind == TypeKind::Optional && b.kind != TypeKind::Optional) {
    if (!a.element) return TypeInfo::optional(b);
    ENGINE_ASSIGN(TypeInfo content, join_types(*a.element, b));
    return TypeInfo::optional(std::move(content));
  }
  if (b.kind == TypeKind::Optional && a.kind != TypeKind::Optional) return join_types(b, a);
  if (a.kind == TypeKind::Tensor && b.kind == TypeKind::Tensor &&
      (a.dtype == DType::Undefined || b.dtype == DType::Undefined))
    return TypeInfo::tensor(DType::Undefined);
  if (!same_kind(a, b))
    return error(Code::InvalidModel, "types %s and %s do not fit together", a.text().c_str(), b.text().c_str());
  return merge_types(a, b);
}

// The same type without any shape.
inline TypeInfo without_shape(TypeInfo type) {
  type.has_rank = false;
  type.shape = Shape();
  if (type.element) type.element = std::make_shared<const TypeInfo>(without_shape(*type.element));
  return type;
}

inline bool equal_types(const TypeInfo& a, const TypeInfo& b) {
  if (!same_kind(a, b) || bool(a.element) != bool(b.element)) return false;
  if (a.has_rank != b.has_rank || (a.has_rank && !(a.shape == b.shape))) return false;
  return !a.element || equal_types(*a.element, *b.element);
}

// Types of an iterated body's outputs. Formal inputs [first, first + carried) take the values of outputs
// [first_output, first_output + carried) of the iteration before: their types in `formal` are widened until they cover both.
inline Result<std::vector<TypeInfo>> infer_iterated_body(InferContext& c, const char* name, std::vector<TypeInfo>& formal,
                                                         size_t first, size_t first_output, size_t carried) {
  std::vector<TypeInfo> outputs;
  for (int round = 0; round < 3; ++round) {
    ENGINE_ASSIGN(outputs, c.infer_body(name, formal));
    if (outputs.size() < first_output + carried)
      return error(Code::InvalidModel, "the body has %zu outputs; at least %zu are needed", outputs.size(), first_output + carried);
    bool stable = true;
    for (size_t k = 0; k < carried; ++k) {
      TypeInfo& in = formal[first + k];
      ENGINE_ASSIGN(TypeInfo joined, join_types(in, outputs[first_output + k]));
      if (round == 1) joined = without_shape(std::move(joined));
      if (!equal_types(joined, in)) stable = false;
      in = std::move(joined);
    }
    if (stable) break;
  }
  for (size_t k = 0; k < carried; ++k) outputs[first_output + k] = formal[first + k];
  return outputs;
}

// InvalidModel unless the body takes and makes these numbers of values (captured values come on top).
inline Status check_body(const Subprogram* body, const char* name, size_t inputs, size_t outputs) {
  if (!body) return error(Code::InvalidModel, "attribute %s is missing", name);
  if (size_t(body->inputs()) != inputs || size_t(body->outputs()) != outputs)
    return error(Code::InvalidModel, "%s takes %d values and makes %d; %zu and %zu are expected", name, body->inputs(),
                 body->outputs(), inputs, outputs);
  return {};
}

// `type`'s shape with an axis of `length` put in at `axis`; unknown dimensions count as 0. What no iteration at all makes.
inline Shape stacked_shape_of_type(const TypeInfo& type, int axis, int64_t length) {
  Shape shape;
  if (type.has_rank)
    for (int64_t d : type.shape) shape.push_back(d < 0 ? 0 : d);
  if (axis > shape.rank() || shape.rank() == kMaxRank) return Shape{length};
  shape.insert(axis, length);
  return shape;
}

// Copies `slice` to position t along `axis` of `whole` (whole's shape: slice's with the axis put in), or the other way round.
inline Status copy_slice(OpRun& r, const Tensor& slice, const Tensor& whole, int axis, int64_t t, bool into_whole) {
  int64_t outer = slice.shape.elements(0, axis), inner = slice.shape.elements(axis, slice.shape.rank()), step = whole.shape[axis] * inner;
  char* place = whole.as<char>() + t * inner * dtype_size(slice.dtype);
  if (into_whole) return r.copy_rows(slice.dtype, outer, inner, slice.data, inner, place, step);
  return r.copy_rows(slice.dtype, outer, inner, place, step, slice.data, inner);
}

}  // namespace engine

// Attributes that name an element type.
#pragma once

#include "ops/op.h"

namespace engine {

// The dtype that integer attribute `name` names, `fallback` when it is absent; UnsupportedOperator when not in `allowed`.
inline Result<DType> dtype_attribute(const InferContext& c, const char* name, DType fallback, DTypeSet allowed) {
  int64_t number = c.attr_int(name, int64_t(fallback));
  DType dtype = dtype_from_onnx(number);
  if (contains(allowed, dtype)) return dtype;
  return error(Code::UnsupportedOperator, "%s is %lld (%s); supported are %s", name, (long long)number, dtype_name(dtype),
               dtype_set_names(allowed).c_str());
}

}  // namespace engine

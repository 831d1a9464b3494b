// The kernels' name of a dtype.
#pragma once

#include "kernels/element_type.h"
#include "tensor/dtype.h"

namespace engine {

// REQUIRES: a native numeric dtype, float16, bfloat16 or bool.
inline ElementType element_type(DType dtype) {
  switch (dtype) {
    case DType::Double: return ElementType::f64;
    case DType::Float16: return ElementType::f16;
    case DType::BFloat16: return ElementType::bf16;
    case DType::Int8: return ElementType::i8;
    case DType::Int16: return ElementType::i16;
    case DType::Int32: return ElementType::i32;
    case DType::Int64: return ElementType::i64;
    case DType::Uint8: return ElementType::u8;
    case DType::Uint16: return ElementType::u16;
    case DType::Uint32: return ElementType::u32;
    case DType::Uint64: return ElementType::u64;
    case DType::Bool: return ElementType::boolean;
    default: return ElementType::f32;
  }
}

inline bool is_half_width(DType d) { return d == DType::Float16 || d == DType::BFloat16; }

// Elements of a block that is converted, computed and converted back: its copies stay in the first-level cache.
inline constexpr int64_t kConvertBlock = 512;

}  // namespace engine

// Element types, with ONNX's numbers.
#pragma once

#include <cstdint>
#include <string>

#include "base/float16.h"

namespace engine {

enum class DType : uint8_t {
  Undefined = 0,
#define ENGINE_DTYPE(name, number, bits, bytes, py) name = number,
#include "tensor/dtypes.inc"
#undef ENGINE_DTYPE
};

inline constexpr int kDTypeCount = 29;

// "float32", ... as in Python; "undefined" for others.
const char* dtype_name(DType dtype);
// Bytes of one element in memory; 0 for Undefined.
int64_t dtype_size(DType dtype);
// Bits of one element in a file (raw_data); 0 for strings.
int dtype_file_bits(DType dtype);
// The DType of an ONNX number; Undefined when there is none.
DType dtype_from_onnx(int64_t number);

// A set of element types.
using DTypeSet = uint64_t;
template <class... D>
constexpr DTypeSet dtype_set(D... d) {
  return ((DTypeSet(1) << int(d)) | ... | 0);
}
constexpr bool contains(DTypeSet set, DType d) { return (set >> int(d)) & 1u; }

namespace dtypes {
inline constexpr DTypeSet kFloat32 = dtype_set(DType::Float);
inline constexpr DTypeSet kFloats = dtype_set(DType::Float, DType::Double, DType::Float16, DType::BFloat16);
inline constexpr DTypeSet kSigned = dtype_set(DType::Int8, DType::Int16, DType::Int32, DType::Int64);
inline constexpr DTypeSet kUnsigned = dtype_set(DType::Uint8, DType::Uint16, DType::Uint32, DType::Uint64);
inline constexpr DTypeSet kIntegers = kSigned | kUnsigned;
inline constexpr DTypeSet kNumeric = kFloats | kIntegers;
inline constexpr DTypeSet kBool = dtype_set(DType::Bool);
inline constexpr DTypeSet kString = dtype_set(DType::String);
inline constexpr DTypeSet kComplex = dtype_set(DType::Complex64, DType::Complex128);
inline constexpr DTypeSet kFloat8 = dtype_set(DType::Float8E4M3FN, DType::Float8E4M3FNUZ, DType::Float8E5M2, DType::Float8E5M2FNUZ, DType::Float8E8M0);
inline constexpr DTypeSet kSubByte = dtype_set(DType::Uint4, DType::Int4, DType::Float4E2M1, DType::Uint2, DType::Int2, DType::Float6E2M3, DType::Float6E3M2);
inline constexpr DTypeSet kIndex = dtype_set(DType::Int32, DType::Int64);
inline constexpr DTypeSet kAll = ~DTypeSet(1);
inline constexpr DTypeSet kAllButString = kAll & ~kString;
}  // namespace dtypes

// The names in a set, for messages: "float32, float64".
std::string dtype_set_names(DTypeSet set);

// C++ type <-> DType, for the types that have a C++ type of their own.
template <class T>
struct DTypeOf;
#define ENGINE_DTYPE_OF(T, name)              \
  template <>                                 \
  struct DTypeOf<T> {                         \
    static constexpr DType value = DType::name; \
  };
ENGINE_DTYPE_OF(float, Float)
ENGINE_DTYPE_OF(double, Double)
ENGINE_DTYPE_OF(Half, Float16)
ENGINE_DTYPE_OF(BFloat16, BFloat16)
ENGINE_DTYPE_OF(bool, Bool)
ENGINE_DTYPE_OF(int8_t, Int8)
ENGINE_DTYPE_OF(int16_t, Int16)
ENGINE_DTYPE_OF(int32_t, Int32)
ENGINE_DTYPE_OF(int64_t, Int64)
ENGINE_DTYPE_OF(uint8_t, Uint8)
ENGINE_DTYPE_OF(uint16_t, Uint16)
ENGINE_DTYPE_OF(uint32_t, Uint32)
ENGINE_DTYPE_OF(uint64_t, Uint64)
ENGINE_DTYPE_OF(std::string, String)
#undef ENGINE_DTYPE_OF
template <class T>
inline constexpr DType dtype_of = DTypeOf<T>::value;

template <class... T>
struct TypeList {};
using FloatTypes = TypeList<float, double, Half, BFloat16>;
using SignedTypes = TypeList<int8_t, int16_t, int32_t, int64_t>;
using IntegerTypes = TypeList<int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>;
using NumericTypes = TypeList<float, double, Half, BFloat16, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>;

// Calls fn.template operator()<T>() for the T of the list whose DType is `dtype`; false when there is none.
//   visit_dtype(NumericTypes{}, dtype, [&]<class T>() { ... });
template <class... T, class Fn>
bool visit_dtype(TypeList<T...>, DType dtype, Fn&& fn) {
  return ((dtype == dtype_of<T> ? (fn.template operator()<T>(), true) : false) || ...);
}

// Calls fn.template operator()<U>() with U the unsigned integer as wide as an element of `dtype` (1, 2, 4, 8 bytes; 16: Bits128):
// for operators that only move elements. REQUIRES: dtype is not String.
struct Bits128 {
  uint64_t lo, hi;
};
template <class Fn>
void visit_width(DType dtype, Fn&& fn) {
  switch (dtype_size(dtype)) {
    case 1: fn.template operator()<uint8_t>(); break;
    case 2: fn.template operator()<uint16_t>(); break;
    case 4: fn.template operator()<uint32_t>(); break;
    case 8: fn.template operator()<uint64_t>(); break;
    default: fn.template operator()<Bits128>(); break;
  }
}

}  // namespace engine

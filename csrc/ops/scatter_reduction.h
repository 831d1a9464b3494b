// What Scatter* do with an element that is there already.
#pragma once

#include <string>
#include <type_traits>

#include "ops/op.h"

namespace engine {

enum class ScatterReduction : uint8_t { None, Add, Mul, Max, Min };

// The attribute `reduction`; other reductions than none need numbers.
inline Result<ScatterReduction> read_reduction(const InferContext& c) {
  const std::string name = c.attr_string("reduction", "none");
  ScatterReduction out = ScatterReduction::None;
  if (name == "add") out = ScatterReduction::Add;
  else if (name == "mul") out = ScatterReduction::Mul;
  else if (name == "max") out = ScatterReduction::Max;
  else if (name == "min") out = ScatterReduction::Min;
  else if (name != "none") return error(Code::InvalidModel, "reduction is '%s'; none, add, mul, max and min are allowed", name.c_str());
  if (out != ScatterReduction::None) ENGINE_TRY(c.require(0, dtypes::kNumeric));
  return out;
}

// The type that elements of type T are added and multiplied in: integers wrap around.
template <class T>
struct ScatterArithmetic {
  using type = uint64_t;
};
template <>
struct ScatterArithmetic<float> {
  using type = float;
};
template <>
struct ScatterArithmetic<double> {
  using type = double;
};
template <>
struct ScatterArithmetic<Half> {
  using type = float;
};
template <>
struct ScatterArithmetic<BFloat16> {
  using type = float;
};

// `value` into `slot`. A NaN on either side of max and min stays.
template <class T>
inline void scatter_reduce(ScatterReduction reduction, T& slot, T value) {
  using A = typename ScatterArithmetic<T>::type;
  switch (reduction) {
    case ScatterReduction::None: slot = value; break;
    case ScatterReduction::Add: slot = T(A(slot) + A(value)); break;
    case ScatterReduction::Mul: slot = T(A(slot) * A(value)); break;
    case ScatterReduction::Max:
      if (value > slot || value != value) slot = value;
      break;
    case ScatterReduction::Min:
      if (value < slot || value != value) slot = value;
      break;
  }
}

// Calls fn.operator()<T>() with a type for elements of `dtype`: one of the width for None, else the number type.
template <class Fn>
void visit_scatter(ScatterReduction reduction, DType dtype, Fn&& fn) {
  if (reduction != ScatterReduction::None) visit_dtype(NumericTypes{}, dtype, fn);
  else if (dtype == DType::String) fn.template operator()<std::string>();
  else visit_width(dtype, fn);
}

// scatter_reduce for numbers, assignment for types that stand for a width.
template <class T>
inline void scatter_into(ScatterReduction reduction, T& slot, const T& value) {
  if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, Bits128>) slot = value;
  else scatter_reduce(reduction, slot, value);
}

}  // namespace engine

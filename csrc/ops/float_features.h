// Feature matrices of ai.onnx.ml: float32 and float64 as they are, everything else as float32.
#pragma once

#include "ops/op.h"

namespace engine {

inline constexpr DTypeSet kFeatureTypes = dtype_set(DType::Float, DType::Double, DType::Int32, DType::Int64);

// x itself when it is float32 or `keep_double` and float64, else its elements as float32. REQUIRES: a real numeric dtype.
inline Result<Tensor> float_features(OpRun& r, const Tensor& x, bool keep_double) {
  if (x.dtype == DType::Float || (keep_double && x.dtype == DType::Double)) return x;
  ENGINE_ASSIGN(Tensor out, r.make(DType::Float, x.shape));
  float* to = out.as<float>();
  ENGINE_TRY(r.parallel(x.elements(), 1.0, [&](int64_t begin, int64_t end, int) {
    visit_dtype(NumericTypes{}, x.dtype, [&]<class T>() {
      for (int64_t i = begin; i < end; ++i) to[i] = float(x.as<T>()[i]);
    });
  }));
  return out;
}

// Rows and columns of a [N, C] matrix, or of a [C] vector as one row.
struct FeatureMatrix {
  int64_t rows, columns;
};
inline Result<FeatureMatrix> feature_matrix(const Shape& shape) {
  if (shape.rank() != 1 && shape.rank() != 2)
    return error(Code::InvalidModel, "the features have shape %s; [rows, features] is expected", shape.text().c_str());
  return FeatureMatrix{shape.rank() == 1 ? 1 : shape[0], shape.back()};
}

// [rows, columns] where rows may be unknown.
inline Shape rows_by(const InferContext& c, int i, int64_t columns) {
  int64_t rows = c.has_rank(i) && c.shape(i).rank() > 0 ? (c.shape(i).rank() == 1 ? 1 : c.shape(i)[0]) : kUnknownDim;
  return {rows, columns};
}

}  // namespace engine

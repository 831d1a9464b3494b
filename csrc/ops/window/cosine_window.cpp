#include "ops/window/cosine_window.h"

#include <cmath>

#include "ops/dtype_attribute.h"
#include "ops/elementwise/convert.h"
#include "ops/elementwise/element_type.h"

namespace engine {

Status CosineWindow::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, dtypes::kIndex));
  ENGINE_ASSIGN(DType dtype, dtype_attribute(c, "output_datatype", DType::Float, dtypes::kNumeric));
  periodic_ = c.attr_int("periodic", 1) != 0;
  if (c.known(0) && c.shape(0).elements() != 1)
    return error(Code::InvalidModel, "size has shape %s; a scalar is allowed", c.shape(0).text().c_str());
  c.set(0, dtype, Shape{kUnknownDim});
  const Tensor* size = c.value(0);
  if (!size) return {};
  int64_t n = integer_at(*size, 0);
  if (n < 0) return error(Code::InvalidModel, "size is %lld; it must not be negative", (long long)n);
  ENGINE_ASSIGN([[maybe_unused]] int64_t bytes, checked_bytes(Shape{n}, dtype_size(dtype)));
  c.set(0, dtype, Shape{n});
  return {};
}

Status CosineWindow::run(OpRun& r) const {
  Tensor& y = r.out(0);
  int64_t n = y.elements();
  double period = double(periodic_ ? n : n - 1), step = period > 0 ? 6.283185307179586 / period : 0;
  // A symmetric window of one element is its peak.
  double origin = period > 0 ? 0 : 3.141592653589793;
  Converter store(DType::Double, y.dtype);
  return r.parallel(n, 45, [&](int64_t begin, int64_t end, int) {
    double block[kConvertBlock];
    for (int64_t i = begin; i < end; i += kConvertBlock) {
      int64_t m = std::min(kConvertBlock, end - i);
      for (int64_t k = 0; k < m; ++k) {
        double angle = origin + double(i + k) * step;
        block[k] = a0_ - a1_ * std::cos(angle) + a2_ * std::cos(2 * angle);
      }
      store(block, y.as<char>() + i * dtype_size(y.dtype), m);
    }
  });
}

}  // namespace engine

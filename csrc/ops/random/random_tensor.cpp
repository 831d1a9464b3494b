#include "ops/random/random_tensor.h"

#include "ops/elementwise/element_type.h"

namespace engine {

void RandomTensor::read_parameters(const InferContext& c) {
  if (distribution_ == Distribution::Normal) {
    origin_ = c.attr_float("mean", 0);
    span_ = c.attr_float("scale", 1);
  } else {
    origin_ = c.attr_float("low", 0);
    span_ = double(c.attr_float("high", 1)) - origin_;
  }
  seed_.read(c);
}

Status RandomTensor::infer(InferContext& c) {
  read_parameters(c);
  if (like_) {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    ENGINE_ASSIGN(DType dtype, dtype_attribute(c, "dtype", c.dtype(0), dtypes::kFloats));
    TypeInfo type = c.type(0);
    type.dtype = dtype;
    c.set(0, type);
    return {};
  }
  ENGINE_ASSIGN(DType dtype, dtype_attribute(c, "dtype", DType::Float, dtypes::kFloats));
  std::vector<int64_t> dims = c.attr_ints("shape");
  ENGINE_ASSIGN(Shape shape, Shape::from(dims.data(), int64_t(dims.size())));
  ENGINE_ASSIGN([[maybe_unused]] int64_t bytes, checked_bytes(shape, dtype_size(dtype)));
  c.set(0, dtype, shape);
  return {};
}

Status RandomTensor::prepare(PrepareContext& c) {
  store_ = Converter(DType::Double, c.output_dtype(0));
  return {};
}

Status RandomTensor::run(OpRun& r) const {
  Generator generator = seed_.generator();
  Tensor& y = r.out(0);
  return r.parallel(y.elements(), distribution_ == Distribution::Normal ? 50 : 12, [&](int64_t begin, int64_t end, int) {
    double block[kConvertBlock];
    for (int64_t i = begin; i < end; i += kConvertBlock) {
      int64_t n = std::min(kConvertBlock, end - i);
      for (int64_t k = 0; k < n; ++k) {
        uint64_t at = uint64_t(i + k);
        block[k] = origin_ + span_ * (distribution_ == Distribution::Normal ? generator.normal(at) : generator.uniform(at));
      }
      store_(block, y.as<char>() + i * dtype_size(y.dtype), n);
    }
  });
}

}  // namespace engine

#include <cstring>

#include "ops/elementwise/convert.h"
#include "ops/elementwise/element_type.h"
#include "ops/random/generator.h"

namespace engine {
namespace {

constexpr DTypeSet kData = dtypes::kFloats | dtypes::kFloat8;

// Passes its input on, unless input training_mode is true: then elements are dropped with probability `ratio` and the rest
// is scaled by 1 / (1 - ratio).
class Dropout final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kData));
    bool trains = c.opset() >= 12 && c.has_input(2);
    if (trains) {
      ENGINE_TRY(c.require(2, dtypes::kBool));
      if (c.known(2) && c.shape(2).elements() != 1) return error(Code::InvalidModel, "training_mode is no scalar");
      if (const Tensor* mode = c.value(2)) trains = *mode->as<bool>();
    }
    if (c.opset() >= 12 && c.has_input(1)) {
      ENGINE_TRY(c.require(1, kData));
      if (c.known(1) && c.shape(1).elements() != 1) return error(Code::InvalidModel, "ratio is no scalar");
    }
    seed_.read(c);
    c.set(0, c.type(0));
    if (!trains) c.set_view(0, 0);
    may_train_ = trains;
    TypeInfo mask = c.type(0);
    if (c.opset() >= 10) mask.dtype = DType::Bool;
    c.set(1, mask);
    return {};
  }

  Status run(OpRun& r) const override {
    double ratio = 0;
    if (may_train_ && *r.in<bool>(2)) {
      ratio = 0.5;
      if (r.has(1)) Converter(r.in(1).dtype, DType::Double)(r.in(1).data, &ratio, 1);
      if (!(ratio >= 0 && ratio < 1)) return error(Code::InvalidInput, "ratio is %g; it must be in [0, 1)", ratio);
    }
    if (ratio > 0 && !r.random_allowed())
      return error(Code::UnsupportedOperator, "training_mode drops elements at random; load with allow_random=True to accept that");
    if (ratio > 0) return drop(r, ratio);
    if (r.wants(0) && r.out(0).data != r.in(0).data) ENGINE_TRY(r.copy(r.in(0), r.out(0).data));
    return r.wants(1) ? keep_all(r) : Status();
  }

 private:
  static Status keep_all(OpRun& r) {
    Tensor& mask = r.out(1);
    alignas(8) char one[8] = {};
    double kept = 1;
    Converter(DType::Double, mask.dtype)(&kept, one, 1);
    int64_t size = dtype_size(mask.dtype);
    return r.parallel(mask.elements(), 0.5, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) std::memcpy(mask.as<char>() + i * size, one, size_t(size));
    });
  }

  Status drop(OpRun& r, double ratio) const {
    Generator generator = seed_.generator();
    const Tensor& x = r.in(0);
    Converter load(x.dtype, DType::Double), store(DType::Double, x.dtype);
    double scale = 1 / (1 - ratio);
    return r.parallel(x.elements(), 20, [&](int64_t begin, int64_t end, int) {
      double block[kConvertBlock];
      bool kept[kConvertBlock];
      int64_t size = dtype_size(x.dtype);
      for (int64_t i = begin; i < end; i += kConvertBlock) {
        int64_t n = std::min(kConvertBlock, end - i);
        load(x.as<char>() + i * size, block, n);
        for (int64_t k = 0; k < n; ++k) {
          kept[k] = generator.uniform(uint64_t(i + k)) >= ratio;
          block[k] = kept[k] ? block[k] * scale : 0;
        }
        if (r.wants(0)) store(block, r.out<char>(0) + i * size, n);
        if (r.wants(1)) std::memcpy(r.out<bool>(1) + i, kept, size_t(n));
      }
    });
  }

  Seed seed_;
  bool may_train_ = false;
};

}  // namespace

void op_dropout(OpTable& t) {
  for (int since : {1, 6, 7, 10}) t.add<Dropout>("", "Dropout", since, 1, 1, 1, 2);
  for (int since : {12, 13, 22}) t.add<Dropout>("", "Dropout", since, 1, 3, 1, 2, kOpMayDraw);
}

}  // namespace engine

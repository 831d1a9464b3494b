#include "ops/dtype_attribute.h"
#include "ops/elementwise/convert.h"
#include "ops/elementwise/element_type.h"
#include "ops/random/generator.h"

namespace engine {
namespace {

// 1 with the probability that the input tells, else 0.
class Bernoulli final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloats));
    ENGINE_ASSIGN(DType dtype, dtype_attribute(c, "dtype", c.dtype(0), dtypes::kNumeric | dtypes::kBool));
    seed_.read(c);
    TypeInfo type = c.type(0);
    type.dtype = dtype;
    c.set(0, type);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    load_ = Converter(c.dtype(0), DType::Double);
    store_ = Converter(DType::Bool, c.output_dtype(0));
    return {};
  }

  Status run(OpRun& r) const override {
    Generator generator = seed_.generator();
    const Tensor& p = r.in(0);
    Tensor& y = r.out(0);
    return r.parallel(p.elements(), 15, [&](int64_t begin, int64_t end, int) {
      double probability[kConvertBlock];
      bool drawn[kConvertBlock];
      for (int64_t i = begin; i < end; i += kConvertBlock) {
        int64_t n = std::min(kConvertBlock, end - i);
        load_(p.as<char>() + i * dtype_size(p.dtype), probability, n);
        for (int64_t k = 0; k < n; ++k) drawn[k] = generator.uniform(uint64_t(i + k)) < probability[k];
        store_(drawn, y.as<char>() + i * dtype_size(y.dtype), n);
      }
    });
  }

 private:
  Seed seed_;
  Converter load_, store_;
};

}  // namespace

void op_bernoulli(OpTable& t) {
  for (int since : {15, 22}) t.add<Bernoulli>("", "Bernoulli", since, 1, 1, 1, 1, kOpRandom);
}

}  // namespace engine

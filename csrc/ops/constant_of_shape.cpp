#include "ops/axes.h"
#include "ops/element.h"

namespace engine {
namespace {

class ConstantOfShape final : public Op {
 public:
  Status infer(InferContext& c) override {
    const Tensor* value = c.attr_tensor("value");
    if (value && value->elements() != 1)
      return error(Code::InvalidModel, "attribute value has %lld elements; one is allowed", (long long)value->elements());
    if (value) {
      value_ = *value;
    } else {
      ENGINE_ASSIGN(value_, make_tensor(DType::Float, {1}, nullptr, "a constant"));
      *value_.as<float>() = 0;
    }
    c.set(0, value_.dtype);
    std::vector<int64_t> dims;
    ENGINE_ASSIGN(ListState state, read_list(c, true, 0, "", &dims));
    if (state != ListState::Known) {
      if (c.known(0) && c.shape(0).elements() <= kMaxRank)
        c.set(0, value_.dtype, Shape::filled(int(c.shape(0).elements()), kUnknownDim));
      return {};
    }
    ENGINE_ASSIGN(Shape out, Shape::from(dims.data(), int64_t(dims.size())));
    ENGINE_ASSIGN([[maybe_unused]] int64_t bytes, checked_bytes(out, dtype_size(value_.dtype)));
    c.set(0, value_.dtype, out);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    int64_t n = c.output_shape(0).elements(), zero = 0, one = 1;
    copy_ = StridedCopy(element_of(value_.dtype), 1, &n, &zero, &one);
    return {};
  }

  Status run(OpRun& r) const override {
    char* out = r.out<char>(0);
    return r.parallel(copy_.items(), copy_.ns_per_item(),
                      [&](int64_t begin, int64_t end, int) { copy_.run(value_.data, out, begin, end); });
  }

 private:
  Tensor value_;
  StridedCopy copy_;
};

}  // namespace

void op_constant_of_shape(OpTable& t) {
  for (int since : {9, 20, 21, 23, 24, 25}) t.add<ConstantOfShape>("", "ConstantOfShape", since, 1, 1);
}

}  // namespace engine

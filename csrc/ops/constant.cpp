#include "ops/element.h"

namespace engine {
namespace {

template <class T>
Result<Tensor> tensor_of(DType dtype, const Shape& shape, const std::vector<T>& values) {
  ENGINE_ASSIGN(Tensor t, make_tensor(dtype, shape, nullptr, "a constant"));
  std::copy(values.begin(), values.end(), t.as<T>());
  return t;
}

Result<Tensor> value_of(const Attribute& a) {
  if (a.name == "value" || a.name == "sparse_value") {
    if (a.tensors.size() != 1) return error(Code::InvalidModel, "attribute %s holds no tensor", a.name.c_str());
    return Tensor(a.tensors[0]);
  }
  const bool list = a.name.size() > 1 && a.name.back() == 's';
  auto shape = [&](size_t n) { return list ? Shape{int64_t(n)} : Shape{}; };
  const std::string kind = list ? a.name.substr(0, a.name.size() - 1) : a.name;
  const size_t n = kind == "value_float" ? a.floats.size() : kind == "value_int" ? a.ints.size() : a.strings.size();
  if (!list && n != 1) return error(Code::InvalidModel, "attribute %s holds no value", a.name.c_str());
  if (kind == "value_float") return tensor_of(DType::Float, shape(n), a.floats);
  if (kind == "value_int") return tensor_of(DType::Int64, shape(n), a.ints);
  if (kind == "value_string") return tensor_of(DType::String, shape(n), a.strings);
  return error(Code::InvalidModel, "attribute %s is not known", a.name.c_str());
}

class Constant final : public Op {
 public:
  Status infer(InferContext& c) override {
    const Attributes* attributes = c.node().attributes.get();
    if (!attributes || attributes->size() != 1)
      return error(Code::InvalidModel, "%zu attributes; exactly one is allowed", attributes ? attributes->size() : 0);
    ENGINE_ASSIGN(value_, value_of((*attributes)[0]));
    c.set(0, value_.dtype, value_.shape);
    return {};
  }

  Status run(OpRun& r) const override {
    StridedCopy copy = contiguous_copy(value_.dtype, value_.elements());
    char* out = r.out<char>(0);
    return r.parallel(copy.items(), copy.ns_per_item(), [&](int64_t begin, int64_t end, int) { copy.run(value_.data, out, begin, end); });
  }

 private:
  Tensor value_;
};

}  // namespace

void op_constant(OpTable& t) {
  for (int since : {1, 9, 11, 12, 13, 19, 21, 23, 24, 25}) t.add<Constant>("", "Constant", since, 0, 0);
}

}  // namespace engine

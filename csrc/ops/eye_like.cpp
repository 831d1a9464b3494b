#include <algorithm>
#include <cstring>

#include "ops/dtype_attribute.h"
#include "ops/elementwise/convert.h"

namespace engine {
namespace {

class EyeLike final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    ENGINE_ASSIGN(DType dtype, dtype_attribute(c, "dtype", c.dtype(0), dtypes::kNumeric | dtypes::kBool));
    diagonal_ = c.attr_int("k", 0);
    if (c.has_rank(0) && c.shape(0).rank() != 2)
      return error(Code::InvalidModel, "input has shape %s; 2 dimensions are allowed", c.shape(0).text().c_str());
    TypeInfo type = c.type(0);
    type.dtype = dtype;
    c.set(0, type);
    return {};
  }

  Status run(OpRun& r) const override {
    Tensor& y = r.out(0);
    int64_t rows = y.shape[0], columns = y.shape[1], size = dtype_size(y.dtype);
    alignas(8) char one[8] = {};
    double unit = 1;
    Converter(DType::Double, y.dtype)(&unit, one, 1);
    int64_t k = std::clamp(diagonal_, -rows, columns);
    return r.parallel(y.elements(), 0.1 * double(size), [&](int64_t begin, int64_t end, int) {
      std::memset(y.as<char>() + begin * size, 0, size_t((end - begin) * size));
      for (int64_t i = begin / columns; i <= (end - 1) / columns; ++i) {
        int64_t at = i * columns + i + k;
        if (i + k >= 0 && i + k < columns && at >= begin && at < end) std::memcpy(y.as<char>() + at * size, one, size_t(size));
      }
    });
  }

 private:
  int64_t diagonal_ = 0;
};

}  // namespace

void op_eye_like(OpTable& t) {
  for (int since : {9, 22}) t.add<EyeLike>("", "EyeLike", since, 1, 1);
}

}  // namespace engine

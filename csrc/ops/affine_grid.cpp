#include "base/checked.h"
#include "ops/axes.h"

namespace engine {
namespace {

class AffineGrid final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloats));
    align_corners_ = c.attr_int("align_corners", 0) != 0;
    c.set(0, c.dtype(0));
    std::vector<int64_t> size;
    ENGINE_ASSIGN(ListState state, read_list(c, true, 1, "", &size));
    if (state != ListState::Known) return {};
    if (size.size() != 4 && size.size() != 5) return error(Code::InvalidModel, "size has %zu values; 4 and 5 are allowed", size.size());
    const int64_t dims = int64_t(size.size()) - 2;
    Shape out{size[0]};
    for (size_t i = 2; i < size.size(); ++i) out.push_back(size[i]);
    out.push_back(dims);
    for (int64_t d : size)
      if (d < 0) return error(Code::InvalidModel, "size has the value %lld", (long long)d);
    if (c.known(0) && !(c.shape(0) == Shape{size[0], dims, dims + 1}))
      return error(Code::InvalidModel, "theta has shape %s; [%lld, %lld, %lld] is allowed", c.shape(0).text().c_str(), (long long)size[0],
                   (long long)dims, (long long)(dims + 1));
    c.set(0, c.dtype(0), out);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    out_ = c.output_shape(0);
    return {};
  }

  Status run(OpRun& r) const override {
    Status status;
    visit_dtype(FloatTypes{}, r.in(0).dtype, [&]<class T>() {
      status = out_.rank() == 4 ? fill<T, 2>(r) : fill<T, 3>(r);
    });
    return status;
  }

 private:
  // The coordinate of position i of n in [-1, 1].
  double base(int64_t i, int64_t n) const {
    if (align_corners_) return n > 1 ? -1 + 2.0 * double(i) / double(n - 1) : -1;
    return (2.0 * double(i) + 1) / double(n) - 1;
  }

  template <class T, int D>
  Status fill(OpRun& r) const {
    const T* theta = r.in<T>(0);
    T* out = r.out<T>(0);
    int64_t points = 1;
    for (int d = 0; d < D; ++d) points *= out_[1 + d];
    return r.parallel(out_[0] * points, 12, [&](int64_t begin, int64_t end, int) {
      for (int64_t item = begin; item < end; ++item) {
        const T* m = theta + item / points * D * (D + 1);
        double at[D + 1];
        int64_t rest = item % points;
        for (int d = D - 1; d >= 0; --d) {
          at[D - 1 - d] = base(rest % out_[1 + d], out_[1 + d]);
          rest /= out_[1 + d];
        }
        at[D] = 1;
        for (int row = 0; row < D; ++row) {
          double sum = 0;
          for (int k = 0; k <= D; ++k) sum += double(m[row * (D + 1) + k]) * at[k];
          out[item * D + row] = T(sum);
        }
      }
    });
  }

  bool align_corners_ = false;
  Shape out_;
};

}  // namespace

void op_affine_grid(OpTable& t) { t.add<AffineGrid>("", "AffineGrid", 20, 2, 2); }

}  // namespace engine

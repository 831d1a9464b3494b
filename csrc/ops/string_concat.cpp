#include "ops/op.h"

namespace engine {
namespace {

class StringConcat final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kString));
    ENGINE_TRY(c.require(1, dtypes::kString));
    c.set(0, DType::String);
    if (!c.has_rank(0) || !c.has_rank(1)) return {};
    ENGINE_ASSIGN(Shape shape, broadcast_shapes(c.shape(0), c.shape(1)));
    c.set(0, DType::String, shape);
    return {};
  }

  Status run(OpRun& r) const override {
    const Shape& shape = r.out(0).shape;
    int64_t a_strides[kMaxRank], b_strides[kMaxRank];
    broadcast_strides(r.in(0).shape, shape, a_strides);
    broadcast_strides(r.in(1).shape, shape, b_strides);
    const std::string* a = r.in<std::string>(0);
    const std::string* b = r.in<std::string>(1);
    return r.parallel(shape.elements(), 60, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t at_a = 0, at_b = 0, rest = i;
        for (int d = shape.rank() - 1; d >= 0; --d) {
          int64_t k = rest % shape[d];
          rest /= shape[d];
          at_a += k * a_strides[d];
          at_b += k * b_strides[d];
        }
        std::string& out = r.out<std::string>(0)[i];
        out.clear();
        out.reserve(a[at_a].size() + b[at_b].size());
        out.append(a[at_a]).append(b[at_b]);
      }
    });
  }

 private:
  // Strides of `from` along the dimensions of `to`, 0 where it is repeated.
  static void broadcast_strides(const Shape& from, const Shape& to, int64_t* strides) {
    int64_t own[kMaxRank];
    contiguous_strides(from, own);
    for (int d = 0; d < to.rank(); ++d) {
      int k = d - (to.rank() - from.rank());
      strides[d] = k < 0 || from[k] == 1 ? 0 : own[k];
    }
  }
};

}  // namespace

void op_string_concat(OpTable& t) { t.add<StringConcat>("", "StringConcat", 20, 2, 2); }

}  // namespace engine

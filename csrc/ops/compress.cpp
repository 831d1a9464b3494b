#include <algorithm>

#include "ops/axes.h"
#include "ops/element.h"
#include "ops/pieces.h"

namespace engine {
namespace {

class Compress final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    ENGINE_TRY(c.require(1, dtypes::kBool));
    c.set(0, c.dtype(0));
    c.set_at_run(0);
    if (c.has_rank(1) && c.shape(1).rank() != 1)
      return error(Code::InvalidModel, "condition has shape %s; one dimension is allowed", c.shape(1).text().c_str());
    flat_ = !c.has("axis");
    if (!c.has_rank(0)) return {};
    Shape out = flat_ ? Shape{0} : c.shape(0);
    if (!flat_) {
      ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", 0), out.rank()));
    }
    out[axis_] = kUnknownDim;
    c.set(0, c.dtype(0), out);
    return {};
  }

  Status run(OpRun& r) const override {
    const Shape& in = r.in(0).shape;
    const uint8_t* keep = r.in<uint8_t>(1);
    const int64_t length = flat_ ? in.elements() : in[axis_], asked = std::min(length, r.in(1).elements());
    const int64_t outer = flat_ ? 1 : in.elements(0, axis_), inner = flat_ ? 1 : in.elements(axis_ + 1, in.rank());
    int64_t count = 0;
    ENGINE_TRY(in_pieces(r, asked, kPiece, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) count += keep[i] != 0;
    }));
    Shape out = flat_ ? Shape{0} : in;
    out[axis_] = count;
    ENGINE_TRY(r.allocate(0, r.in(0).dtype, out));
    ENGINE_ASSIGN(Tensor kept, r.make(DType::Int64, {count}));
    int64_t* next = kept.as<int64_t>();
    ENGINE_TRY(in_pieces(r, asked, kPiece, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        if (keep[i]) *next++ = i;
    }));
    Status status;
    visit_element(r.in(0).dtype, [&]<class T>() {
      const T* from = r.in<T>(0);
      T* to = r.out<T>(0);
      status = r.parallel(outer * count, 4 + move_ns(r.in(0).dtype) * double(inner), [&](int64_t begin, int64_t end, int) {
        for (int64_t item = begin; item < end; ++item)
          copy_run(from + (item / count * length + kept.as<int64_t>()[item % count]) * inner, to + item * inner, inner);
      });
    });
    return status;
  }

 private:
  static constexpr int64_t kPiece = 32768;
  bool flat_ = true;
  int axis_ = 0;
};

}  // namespace

void op_compress(OpTable& t) {
  for (int since : {9, 11, 28}) t.add<Compress>("", "Compress", since, 2, 2);
}

}  // namespace engine

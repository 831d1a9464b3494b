#include <algorithm>

#include "ops/axes.h"
#include "ops/element.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr int64_t kPiece = 32768;  // elements of a long row between two looks at the clock

class Trilu final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    if (c.has_input(1)) {
      ENGINE_TRY(c.require(1, dtypes::kIndex));
      ENGINE_TRY(require_scalar(c, 1));
    }
    upper_ = c.attr_int("upper", 1) != 0;
    c.set(0, c.dtype(0));
    c.allow_in_place(0, 0);
    if (!c.has_rank(0)) return {};
    if (c.shape(0).rank() < 2) return error(Code::InvalidModel, "the input has %d dimensions; at least 2 are needed", c.shape(0).rank());
    c.set(0, c.dtype(0), c.shape(0));
    return {};
  }

  Status run(OpRun& r) const override {
    Status status;
    visit_element(r.in(0).dtype, [&]<class T>() { status = cut<T>(r); });
    return status;
  }

 private:
  template <class T>
  Status cut(OpRun& r) const {
    const Shape& shape = r.in(0).shape;
    const int64_t columns = shape.back(), rows = shape[shape.rank() - 2];
    const int64_t diagonal = r.has(1) ? std::clamp(integer_at(r.in(1), 0), -rows - 1, columns + 1) : 0;
    const T* in = r.in<T>(0);
    T* out = r.out<T>(0);
    const int64_t all = columns > 0 ? r.in(0).elements() / columns : 0;
    return r.parallel(all, 5 + move_ns(r.in(0).dtype) * double(columns), [&](int64_t begin, int64_t end, int worker) {
      for (int64_t row = begin; row < end; ++row) {
        const T* from = in + row * columns;
        T* to = out + row * columns;
        const int64_t edge = std::clamp<int64_t>(row % rows + diagonal + (upper_ ? 0 : 1), 0, columns);
        const int64_t clear = upper_ ? 0 : edge, keep = upper_ ? edge : 0, kept = upper_ ? columns - edge : edge;
        bool went_on = within_item(r, worker, columns - kept, kPiece, [&](int64_t first, int64_t last) { std::fill(to + clear + first, to + clear + last, T()); });
        if (went_on && from != to)
          went_on = within_item(r, worker, kept, kPiece, [&](int64_t first, int64_t last) { copy_run(from + keep + first, to + keep + first, last - first); });
        if (!went_on) return;
      }
    });
  }

  bool upper_ = true;
};

}  // namespace

void op_trilu(OpTable& t) {
  t.add<Trilu>("", "Trilu", 14, 1, 2);
  t.add<Trilu>("com.microsoft", "Trilu", 1, 1, 2);
}

}  // namespace engine

#include "base/checked.h"
#include "ops/along_axis.h"

namespace engine {
namespace {

class GatherElements final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    ENGINE_TRY(c.require(1, dtypes::kIndex));
    c.set(0, c.dtype(0));
    if (c.has_rank(1)) c.set(0, c.dtype(0), c.shape(1));
    if (!c.has_rank(0) || !c.has_rank(1)) return {};
    ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", 0), c.shape(0).rank()));
    return check_along_axis(c.shape(0), c.shape(1), axis_);
  }

  Status prepare(PrepareContext& c) override {
    const Shape &data = c.shape(0), &indices = c.shape(1);
    int rank = data.rank();
    int64_t strides[kMaxRank];
    contiguous_strides(data, strides);
    rows_ = RowWalk();
    for (int i = 0; i + 1 < rank; ++i) rows_.add(indices[i], i == axis_ ? 0 : strides[i]);
    width_ = indices[rank - 1];
    along_last_ = axis_ == rank - 1;
    step_ = strides[axis_];
    length_ = data[axis_];
    return {};
  }

  Status run(OpRun& r) const override {
    IndexCheck check;
    Status status;
    with_indices(r.in(1), [&](const auto* indices) {
      visit_element(r.in(0).dtype, [&]<class T>() { status = take<T>(r, indices, check); });
    });
    ENGINE_TRY(std::move(status));
    return check.status(r.in(1), length_);
  }

 private:
  template <class I>
  static bool all_within(const I* indices, int64_t n, int64_t length) {
    int outside = 0;
    for (int64_t k = 0; k < n; ++k) outside |= int(int64_t(indices[k]) < -length) | int(int64_t(indices[k]) >= length);
    return outside == 0;
  }

  template <class T, class I>
  void take_row(const T* from, const I* indices, T* out, int64_t n, int64_t column_step) const {
    const int64_t length = length_, step = step_;
    for (int64_t k = 0; k < n; ++k) {
      const int64_t index = int64_t(indices[k]) + (indices[k] < 0 ? length : 0);
      out[k] = from[index * step + k * column_step];
    }
  }

  template <class I>
  void note_outside(const I* indices, int64_t n, int64_t at, IndexCheck& check) const {
    for (int64_t k = 0; k < n; ++k) check.wrap(indices[k], length_, at + k);
  }

  template <class T, class I>
  Status take(OpRun& r, const I* indices, IndexCheck& check) const {
    constexpr int64_t kChunk = 8192;
    const T* data = r.in<T>(0);
    T* out = r.out<T>(0);
    const int64_t chunks = ceil_div(width_, kChunk), column_step = along_last_ ? 0 : 1;
    double ns = 3 + 1.5 * double(std::min(width_, kChunk));
    return r.parallel(rows_.count() * chunks, ns, [&](int64_t begin, int64_t end, int) {
      int64_t row = begin / chunks, chunk = begin % chunks;
      RowWalk::Cursor cursor(rows_, row);
      for (int64_t item = begin; item < end; ++item) {
        const int64_t first = chunk * kChunk, n = std::min(width_ - first, kChunk), at = row * width_ + first;
        const T* from = data + cursor.offset + first * column_step;
        if (all_within(indices + at, n, length_)) take_row(from, indices + at, out + at, n, column_step);
        else note_outside(indices + at, n, at, check);
        if (++chunk == chunks) {
          chunk = 0;
          ++row;
          cursor.next();
        }
      }
    });
  }

  int axis_ = 0;
  RowWalk rows_;
  bool along_last_ = false;
  int64_t width_ = 0, step_ = 0, length_ = 0;
};

}  // namespace

void op_gather_elements(OpTable& t) {
  for (int since : {11, 13}) t.add<GatherElements>("", "GatherElements", since, 2, 2);
}

}  // namespace engine

#include "ops/scatter_elements.h"

namespace engine {

Status ScatterElements::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, dtypes::kAll));
  ENGINE_TRY(c.require(1, dtypes::kIndex));
  ENGINE_TRY(c.require_same(0, 2));
  ENGINE_ASSIGN(reduction_, read_reduction(c));
  c.set(0, c.dtype(0));
  c.allow_in_place(0, 0);
  if (!c.has_rank(0)) return {};
  c.set(0, c.dtype(0), c.shape(0));
  ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", 0), c.shape(0).rank()));
  if (c.has_rank(1)) ENGINE_TRY(check_along_axis(c.shape(0), c.shape(1), axis_));
  if (c.known(1) && c.known(2) && !(c.shape(1) == c.shape(2)))
    return error(Code::InvalidModel, "indices have shape %s, updates %s", c.shape(1).text().c_str(), c.shape(2).text().c_str());
  return {};
}

Status ScatterElements::prepare(PrepareContext& c) {
  const Shape &data = c.shape(0), &indices = c.shape(1);
  const int last = data.rank() - 1;
  int64_t data_strides[kMaxRank], index_strides[kMaxRank];
  contiguous_strides(data, data_strides);
  contiguous_strides(indices, index_strides);
  data_lanes_ = index_lanes_ = RowWalk();
  for (int i = 0; i < data.rank(); ++i) {
    if (i == axis_ || i == last) continue;
    data_lanes_.add(indices[i], data_strides[i]);
    index_lanes_.add(indices[i], index_strides[i]);
  }
  count_ = indices[axis_];
  length_ = data[axis_];
  data_step_ = data_strides[axis_];
  index_step_ = index_strides[axis_];
  columns_ = axis_ == last ? 1 : indices[last];
  column_step_ = std::clamp<int64_t>(4096 / std::max<int64_t>(count_, 1), 1, std::max<int64_t>(columns_, 1));
  return {};
}

template <class T>
Status ScatterElements::put(OpRun& r, IndexCheck& check) const {
  constexpr int64_t kSegment = 16384;
  T* out = r.out<T>(0);
  const T* updates = r.in<T>(2);
  const Indices indices(r.in(1));
  const int64_t steps = ceil_div(columns_, column_step_);
  for (int64_t first = 0; first < count_; first += kSegment) {
    const int64_t last = std::min(count_, first + kSegment);
    const double ns = 8 + 2.0 * double(last - first) * double(column_step_);
    ENGINE_TRY(r.parallel(data_lanes_.count() * steps, ns, [&](int64_t begin, int64_t end, int) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t lane = item / steps, column = item % steps * column_step_;
        const int64_t width = std::min(column_step_, columns_ - column);
        T* to = out + RowWalk::Cursor(data_lanes_, lane).offset + column;
        const int64_t from = RowWalk::Cursor(index_lanes_, lane).offset + column;
        for (int64_t i = first; i < last; ++i) {
          for (int64_t k = 0; k < width; ++k) {
            const int64_t at = from + i * index_step_ + k, index = check.wrap(indices[at], length_, at);
            if (index >= 0) scatter_into(reduction_, to[index * data_step_ + k], updates[at]);
          }
        }
      }
    }));
  }
  return {};
}

Status ScatterElements::run(OpRun& r) const {
  ENGINE_TRY(copy_input(r, 0, 0));
  IndexCheck check;
  Status status;
  visit_scatter(reduction_, r.in(0).dtype, [&]<class T>() { status = put<T>(r, check); });
  ENGINE_TRY(std::move(status));
  return check.status(r.in(1), length_);
}

void op_scatter_elements(OpTable& t) {
  for (int since : {11, 13, 16, 18}) t.add<ScatterElements>("", "ScatterElements", since, 3, 3);
}

}  // namespace engine

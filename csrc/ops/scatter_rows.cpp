// engine.ScatterRows: ScatterElements whose indices are the same for every position off the axis.
//   inputs      data, indices (as many as the updates are long along the axis, of any shape), updates (as data but along the axis)
//   attributes  axis, reduction: as ScatterElements
#include "base/checked.h"
#include "ops/element.h"
#include "ops/indices.h"
#include "ops/scatter_reduction.h"

namespace engine {
namespace {

constexpr int64_t kChunkBytes = 256;
constexpr int64_t kSegmentRows = 4096;
constexpr double kNsPerElement = 0.2;

// row[0 .. n) = row reduced with updates, one by one.
template <class T>
void reduce_row(ScatterReduction reduction, T* __restrict row, const T* __restrict updates, int64_t n) {
  if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, Bits128>) {
    for (int64_t k = 0; k < n; ++k) row[k] = updates[k];
  } else {
    auto each = [&]<ScatterReduction R>() {
      for (int64_t k = 0; k < n; ++k) scatter_reduce(R, row[k], updates[k]);
    };
    switch (reduction) {
      case ScatterReduction::None: return each.template operator()<ScatterReduction::None>();
      case ScatterReduction::Add: return each.template operator()<ScatterReduction::Add>();
      case ScatterReduction::Mul: return each.template operator()<ScatterReduction::Mul>();
      case ScatterReduction::Max: return each.template operator()<ScatterReduction::Max>();
      case ScatterReduction::Min: return each.template operator()<ScatterReduction::Min>();
    }
  }
}

class ScatterRows final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    ENGINE_TRY(c.require(1, dtypes::kIndex));
    ENGINE_TRY(c.require_same(0, 2));
    ENGINE_ASSIGN(reduction_, read_reduction(c));
    c.set(0, c.dtype(0));
    c.allow_in_place(0, 0);
    if (!c.known(0) || !c.known(1) || !c.known(2)) return {};
    const Shape &data = c.shape(0), &updates = c.shape(2);
    c.set(0, c.dtype(0), data);
    ENGINE_ASSIGN(int axis, normalize_axis(c.attr_int("axis", 0), data.rank()));
    bool fits = data.rank() == updates.rank() && c.shape(1).elements() == updates[axis];
    for (int d = 0; fits && d < data.rank(); ++d) fits = d == axis || data[d] == updates[d];
    if (!fits)
      return error(Code::InvalidModel, "updates of shape %s do not fit data of shape %s and indices of shape %s", updates.text().c_str(),
                   data.text().c_str(), c.shape(1).text().c_str());
    outer_ = data.elements(0, axis);
    inner_ = data.elements(axis + 1, data.rank());
    length_ = data[axis];
    rows_ = updates[axis];
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_TRY(copy_input(r, 0, 0));
    IndexCheck check;
    Status status;
    visit_scatter(reduction_, r.in(0).dtype, [&]<class T>() { status = put<T>(r, check); });
    ENGINE_TRY(std::move(status));
    return check.status(r.in(1), length_);
  }

 private:
  // Different chunks of a row never meet: each is reduced row after row, in order.
  template <class T>
  Status put(OpRun& r, IndexCheck& check) const {
    const Indices indices(r.in(1));
    const int64_t chunk = std::max<int64_t>(1, kChunkBytes / int64_t(sizeof(T))), chunks = ceil_div(inner_, chunk);
    for (int64_t first = 0; first < rows_; first += kSegmentRows) {
      const int64_t last = std::min(rows_, first + kSegmentRows);
      const double ns = double(last - first) * (2 + kNsPerElement * double(std::min(chunk, inner_)));
      ENGINE_TRY(r.parallel(outer_ * chunks, ns, [&](int64_t begin, int64_t end, int) {
        for (int64_t item = begin; item < end; ++item) {
          const int64_t outer = item / chunks, column = item % chunks * chunk, n = std::min(chunk, inner_ - column);
          T* to = r.out<T>(0) + outer * length_ * inner_ + column;
          const T* from = r.in<T>(2) + outer * rows_ * inner_ + column;
          for (int64_t i = first; i < last; ++i) {
            const int64_t index = check.wrap(indices[i], length_, i);
            if (index >= 0) reduce_row(reduction_, to + index * inner_, from + i * inner_, n);
          }
        }
      }));
    }
    return {};
  }

  ScatterReduction reduction_ = ScatterReduction::None;
  int64_t outer_ = 1, inner_ = 1, length_ = 0, rows_ = 0;
};

}  // namespace

void op_scatter_rows(OpTable& t) { t.add<ScatterRows>("engine", "ScatterRows", 1, 3, 3); }

}  // namespace engine

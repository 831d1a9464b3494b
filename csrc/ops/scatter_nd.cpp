#include "ops/element.h"
#include "ops/indices.h"
#include "ops/scatter_reduction.h"

namespace engine {
namespace {

class ScatterND final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    ENGINE_TRY(c.require(1, dtypes::kIndex));
    ENGINE_TRY(c.require_same(0, 2));
    ENGINE_ASSIGN(reduction_, read_reduction(c));
    c.set(0, c.dtype(0));
    c.allow_in_place(0, 0);
    if (c.has_rank(0)) c.set(0, c.dtype(0), c.shape(0));
    if (!c.has_rank(0) || !c.known(1)) return {};
    const Shape &data = c.shape(0), &indices = c.shape(1);
    if (indices.rank() < 1 || indices.back() < 0 || indices.back() > data.rank())
      return error(Code::InvalidModel, "indices of shape %s for data of shape %s", indices.text().c_str(), data.text().c_str());
    depth_ = int(indices.back());
    return c.known(2) && data.known() ? check_updates(c) : Status();
  }

  Status prepare(PrepareContext& c) override {
    data_ = c.shape(0);
    contiguous_strides(data_, strides_);
    tuples_ = c.shape(1).elements(0, c.shape(1).rank() - 1);
    inner_ = data_.elements(depth_, data_.rank());
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_TRY(copy_input(r, 0, 0));
    Status status;
    visit_scatter(reduction_, r.in(0).dtype, [&]<class T>() { status = put<T>(r); });
    return status;
  }

 private:
  Status check_updates(const InferContext& c) const {
    const Shape &data = c.shape(0), &indices = c.shape(1), &updates = c.shape(2);
    bool fits = updates.rank() == indices.rank() - 1 + data.rank() - depth_;
    for (int i = 0; fits && i < updates.rank(); ++i)
      fits = updates[i] == (i < indices.rank() - 1 ? indices[i] : data[depth_ + i - (indices.rank() - 1)]);
    if (fits) return {};
    return error(Code::InvalidModel, "updates of shape %s do not fit data of shape %s and indices of shape %s", updates.text().c_str(),
                 data.text().c_str(), indices.text().c_str());
  }

  // One tuple after the other: tuples may name the same elements, and the last one counts.
  template <class T>
  Status put(OpRun& r) const {
    constexpr int64_t kBetweenCheckpoints = 16384;
    T* out = r.out<T>(0);
    const T* updates = r.in<T>(2);
    const Indices indices(r.in(1));
    IndexCheck checks[kMaxRank];
    int64_t work = 0;
    for (int64_t tuple = 0; tuple < tuples_; ++tuple) {
      int64_t at = 0;
      for (int i = 0; i < depth_; ++i) {
        int64_t index = checks[i].wrap(indices[tuple * depth_ + i], data_[i], tuple * depth_ + i);
        if (index < 0) return checks[i].status(r.in(1), data_[i]);
        at += index * strides_[i];
      }
      for (int64_t first = 0; first < inner_; first += kBetweenCheckpoints) {
        int64_t last = std::min(inner_, first + kBetweenCheckpoints);
        const T* from = updates + tuple * inner_;
        if (reduction_ == ScatterReduction::None) copy_run(from + first, out + at + first, last - first);
        else
          for (int64_t k = first; k < last; ++k) scatter_into(reduction_, out[at + k], from[k]);
        if ((work += last - first + 4) < kBetweenCheckpoints) continue;
        ENGINE_TRY(r.checkpoint());
        work = 0;
      }
    }
    return {};
  }

  ScatterReduction reduction_ = ScatterReduction::None;
  int depth_ = 0;
  Shape data_;
  int64_t strides_[kMaxRank];
  int64_t tuples_ = 0, inner_ = 0;
};

}  // namespace

void op_scatter_nd(OpTable& t) {
  for (int since : {11, 13, 16, 18}) t.add<ScatterND>("", "ScatterND", since, 3, 3);
}

}  // namespace engine

#include "ops/axes.h"
#include "ops/element.h"
#include "ops/indices.h"

namespace engine {
namespace {

class GatherND final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    ENGINE_TRY(c.require(1, dtypes::kIndex));
    c.set(0, c.dtype(0));
    if (!c.has_rank(0) || !c.has_rank(1)) return {};
    const Shape &data = c.shape(0), &indices = c.shape(1);
    int64_t batch = c.attr_int("batch_dims", 0);
    if (indices.rank() < 1 || data.rank() < 1) return error(Code::InvalidModel, "data and indices need at least one dimension");
    if (batch < 0 || batch >= std::min(data.rank(), indices.rank()))
      return error(Code::InvalidModel, "batch_dims is %lld; data has %d dimensions, indices %d", (long long)batch, data.rank(), indices.rank());
    batch_ = int(batch);
    for (int i = 0; i < batch_; ++i)
      if (data[i] != indices[i] && data[i] != kUnknownDim && indices[i] != kUnknownDim)
        return error(Code::InvalidModel, "batch dimensions differ: data %s, indices %s", data.text().c_str(), indices.text().c_str());
    if (indices.back() == kUnknownDim) return {};
    if (indices.back() < 1 || indices.back() > data.rank() - batch_)
      return error(Code::InvalidModel, "indices of %lld numbers for data with %d dimensions", (long long)indices.back(), data.rank() - batch_);
    depth_ = int(indices.back());
    if (indices.rank() - 1 + data.rank() - batch_ - depth_ > kMaxRank)
      return error(Code::InvalidModel, "the result has more than %d dimensions", kMaxRank);
    Shape out;
    for (int i = 0; i + 1 < indices.rank(); ++i) out.push_back(indices[i]);
    for (int i = batch_ + depth_; i < data.rank(); ++i) out.push_back(data[i]);
    c.set(0, c.dtype(0), out);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    data_ = c.shape(0);
    contiguous_strides(data_, strides_);
    tuples_ = c.shape(1).elements(batch_, c.shape(1).rank() - 1);
    batches_ = c.shape(1).elements(0, batch_);
    inner_ = data_.elements(batch_ + depth_, data_.rank());
    return {};
  }

  Status run(OpRun& r) const override {
    IndexCheck checks[kMaxRank];
    Status status;
    visit_element(r.in(0).dtype, [&]<class T>() { status = take<T>(r, checks); });
    ENGINE_TRY(std::move(status));
    for (int i = 0; i < depth_; ++i) ENGINE_TRY(checks[i].status(r.in(1), data_[batch_ + i]));
    return {};
  }

 private:
  template <class T>
  Status take(OpRun& r, IndexCheck* checks) const {
    const T* data = r.in<T>(0);
    T* out = r.out<T>(0);
    const Indices indices(r.in(1));
    const int64_t n = inner_, batch_size = data_.elements(batch_, data_.rank());
    double ns = 4 + 2 * depth_ + move_ns(r.in(0).dtype) * double(n);
    return r.parallel(batches_ * tuples_, ns, [&](int64_t begin, int64_t end, int) {
      for (int64_t item = begin; item < end; ++item) {
        int64_t at = item / tuples_ * batch_size;
        bool fine = true;
        for (int i = 0; i < depth_; ++i) {
          int64_t index = checks[i].wrap(indices[item * depth_ + i], data_[batch_ + i], item * depth_ + i);
          fine = fine && index >= 0;
          at += index * strides_[batch_ + i];
        }
        if (!fine) continue;
        if (n == 1) out[item] = data[at];
        else copy_run(data + at, out + item * n, n);
      }
    });
  }

  int batch_ = 0, depth_ = 0;
  Shape data_;
  int64_t strides_[kMaxRank];
  int64_t tuples_ = 0, batches_ = 0, inner_ = 0;
};

}  // namespace

void op_gather_nd(OpTable& t) {
  for (int since : {11, 12, 13}) t.add<GatherND>("", "GatherND", since, 2, 2);
  t.add<GatherND>("com.microsoft", "GatherND", 1, 2, 2);
}

}  // namespace engine

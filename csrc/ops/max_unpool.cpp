#include "base/checked.h"
#include "ops/axes.h"
#include "ops/element.h"
#include "ops/indices.h"
#include "ops/pieces.h"

namespace engine {
namespace {

class MaxUnpool final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kFloats));
    ENGINE_TRY(c.require(1, dtype_set(DType::Int64)));
    c.set(0, c.dtype(0));
    if (!c.known(0)) return {};
    const Shape& in = c.shape(0);
    if (c.known(1) && !(c.shape(1) == in))
      return error(Code::InvalidModel, "indices have shape %s, X %s", c.shape(1).text().c_str(), in.text().c_str());
    ENGINE_TRY(infer_pooled(c));
    out_ = pooled_;
    std::vector<int64_t> given;
    ENGINE_ASSIGN(ListState state, read_list(c, true, 2, "", &given));
    if (state == ListState::Unknown) return {};
    if (state == ListState::Known) {
      ENGINE_ASSIGN(out_, Shape::from(given.data(), int64_t(given.size())));
      if (out_.rank() != in.rank()) return error(Code::InvalidModel, "output_shape has %d values, X %d dimensions", out_.rank(), in.rank());
      for (int i = 0; i < in.rank(); ++i)
        if (out_[i] < pooled_[i])
          return error(Code::InvalidModel, "output_shape %s is smaller than %s, which the window tells", out_.text().c_str(), pooled_.text().c_str());
    }
    c.set(0, c.dtype(0), out_);
    return {};
  }

  Status run(OpRun& r) const override {
    const StridedCopy clear = clearing(r);
    const Bits128 zero{0, 0};
    ENGINE_TRY(r.parallel(clear.items(), clear.ns_per_item(),
                          [&](int64_t begin, int64_t end, int) { clear.run(&zero, r.out<char>(0), begin, end); }));
    Status status;
    visit_width(r.in(0).dtype, [&]<class T>() { status = put<T>(r); });
    return status;
  }

 private:
  // The shape that pooling with this window came from.
  Status infer_pooled(const InferContext& c) {
    const Shape& in = c.shape(0);
    const std::vector<int64_t> kernel = c.attr_ints("kernel_shape");
    std::vector<int64_t> strides = c.attr_ints("strides"), pads = c.attr_ints("pads");
    const size_t n = kernel.size();
    if (strides.empty()) strides.assign(n, 1);
    if (pads.empty()) pads.assign(2 * n, 0);
    if (in.rank() < 3 || n != size_t(in.rank() - 2) || strides.size() != n || pads.size() != 2 * n)
      return error(Code::InvalidModel, "X has %d dimensions, kernel_shape %zu values, strides %zu, pads %zu", in.rank(), n, strides.size(), pads.size());
    pooled_ = in;
    for (size_t i = 0; i < n; ++i) {
      int64_t size = 0;
      const bool fine = kernel[i] > 0 && strides[i] > 0 && pads[i] >= 0 && pads[n + i] >= 0 && in[int(i) + 2] > 0 &&
                        checked_mul(in[int(i) + 2] - 1, strides[i], &size) && checked_add(size, kernel[i], &size);
      size = fine ? size - pads[i] : 0;
      if (!fine || size <= pads[n + i])
        return error(Code::InvalidModel, "kernel %lld, stride %lld and pads do not fit axis %zu of shape %s", (long long)kernel[i],
                     (long long)strides[i], i + 2, in.text().c_str());
      pooled_[int(i) + 2] = size - pads[n + i];
    }
    ENGINE_ASSIGN([[maybe_unused]] int64_t bytes, checked_bytes(pooled_, 8));
    return {};
  }

  static StridedCopy clearing(OpRun& r) {
    const int64_t n = r.out(0).elements(), zero = 0, one = 1;
    return StridedCopy(element_of(r.in(0).dtype), 1, &n, &zero, &one);
  }

  // Indices count elements of pooled_. In order: of elements with one index the last stays.
  template <class T>
  Status put(OpRun& r) const {
    const T* in = r.in<T>(0);
    T* out = r.out<T>(0);
    const int64_t* indices = r.in<int64_t>(1);
    const int64_t limit = pooled_.elements();
    const bool same = pooled_ == out_;
    int64_t strides[kMaxRank];
    contiguous_strides(out_, strides);
    IndexCheck check;
    ENGINE_TRY(in_pieces(r, r.in(0).elements(), 8192, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t index = indices[i];
        if (index < 0 || index >= limit) {
          check.note(i);
          continue;
        }
        if (!same) {
          int64_t at = 0;
          for (int d = pooled_.rank() - 1; d >= 0; --d) {
            at += index % pooled_[d] * strides[d];
            index /= pooled_[d];
          }
          index = at;
        }
        out[index] = in[i];
      }
    }));
    return check.status(r.in(1), limit);
  }

  Shape pooled_, out_;
};

}  // namespace

void op_max_unpool(OpTable& t) {
  for (int since : {9, 11, 22}) t.add<MaxUnpool>("", "MaxUnpool", since, 2, 3);
}

}  // namespace engine

#include <algorithm>

#include "ops/axes.h"
#include "ops/element.h"

namespace engine {
namespace {

class CenterCropPad final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    c.set(0, c.dtype(0));
    std::vector<int64_t> wanted, list = c.attr_ints("axes");
    ENGINE_ASSIGN(ListState state, read_list(c, true, 1, "", &wanted));
    if (!c.has_rank(0)) return {};
    Shape out = c.shape(0);
    if (!c.has("axes"))
      for (int i = 0; i < out.rank(); ++i) list.push_back(i);
    ENGINE_ASSIGN(std::vector<int> axes, normalize_axes(list, out.rank()));
    if (state == ListState::Known && wanted.size() != axes.size())
      return error(Code::InvalidModel, "shape has %zu values for %zu axes", wanted.size(), axes.size());
    for (size_t k = 0; k < axes.size(); ++k) {
      if (state == ListState::Known && wanted[k] < 0) return error(Code::InvalidModel, "shape has the value %lld", (long long)wanted[k]);
      out[axes[k]] = state == ListState::Known ? wanted[k] : kUnknownDim;
    }
    c.set(0, c.dtype(0), out);
    if (c.known(0) && out == c.shape(0)) c.set_view(0, 0);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape &in = c.shape(0), &out = c.output_shape(0);
    int64_t src[kMaxRank], dst[kMaxRank], dims[kMaxRank], n = out.elements(), zero = 0, one = 1;
    contiguous_strides(in, src);
    contiguous_strides(out, dst);
    from_ = to_ = 0;
    pads_ = false;
    for (int i = 0; i < in.rank(); ++i) {
      dims[i] = std::min(in[i], out[i]);
      pads_ = pads_ || out[i] > in[i];
      if (in[i] > out[i]) from_ += (in[i] - out[i]) / 2 * src[i];
      else to_ += (out[i] - in[i]) / 2 * dst[i];
    }
    copy_ = StridedCopy(element_of(c.dtype(0)), in.rank(), dims, src, dst);
    clear_ = StridedCopy(element_of(c.dtype(0)), 1, &n, &zero, &one);
    return {};
  }

  Status run(OpRun& r) const override {
    if (pads_) ENGINE_TRY(clear(r));
    if (copy_.items() == 0) return {};
    return run_copy(r, copy_, 0, 0, from_, to_);
  }

 private:
  Status clear(OpRun& r) const {
    const std::string empty;
    const Bits128 zero{0, 0};
    const void* blank = r.in(0).dtype == DType::String ? static_cast<const void*>(&empty) : &zero;
    char* out = r.out<char>(0);
    return r.parallel(clear_.items(), clear_.ns_per_item(), [&](int64_t begin, int64_t end, int) { clear_.run(blank, out, begin, end); });
  }

  StridedCopy copy_, clear_;
  int64_t from_ = 0, to_ = 0;
  bool pads_ = false;
};

}  // namespace

void op_center_crop_pad(OpTable& t) { t.add<CenterCropPad>("", "CenterCropPad", 18, 2, 2); }

}  // namespace engine

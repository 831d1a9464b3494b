#include "base/checked.h"
#include "ops/element.h"

namespace engine {
namespace {

class SpaceToDepth final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    c.set(0, c.dtype(0));
    block_ = c.attr_int("blocksize", 0);
    if (block_ < 1 || block_ > 65536) return error(Code::InvalidModel, "blocksize is %lld", (long long)block_);
    const std::string mode = c.attr_string("mode", "DCR");
    column_first_ = mode == "CRD";
    if (!column_first_ && mode != "DCR") return error(Code::InvalidModel, "mode is '%s'; DCR and CRD are allowed", mode.c_str());
    if (!c.has_rank(0)) return {};
    Shape out = c.shape(0);
    if (out.rank() != 4) return error(Code::InvalidModel, "the input has %d dimensions; 4 are allowed", out.rank());
    if (out[1] != kUnknownDim && !checked_mul(out[1], block_ * block_, &out[1])) return error(Code::InvalidModel, "too many channels");
    for (int i : {2, 3}) {
      if (out[i] == kUnknownDim) continue;
      if (out[i] % block_ != 0)
        return error(Code::InvalidModel, "shape %s does not divide into blocks of %lld x %lld", c.shape(0).text().c_str(),
                     (long long)block_, (long long)block_);
      out[i] /= block_;
    }
    c.set(0, c.dtype(0), out);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape &in = c.shape(0), &out = c.output_shape(0);
    const int64_t b = block_, plane = in[2] * in[3];
    int64_t dims[] = {in[0], b, b, in[1], out[2], out[3]};
    int64_t src[] = {in[1] * plane, in[3], 1, plane, b * in[3], b};
    int64_t dst[6];
    contiguous_strides({in[0], b, b, in[1], out[2], out[3]}, dst);
    if (column_first_) {
      const int64_t small = out[2] * out[3];
      dst[1] = b * small;
      dst[2] = small;
      dst[3] = b * b * small;
    }
    copy_ = StridedCopy(element_of(c.dtype(0)), 6, dims, src, dst);
    return {};
  }

  Status run(OpRun& r) const override { return run_copy(r, copy_, 0, 0); }

 private:
  int64_t block_ = 1;
  bool column_first_ = false;
  StridedCopy copy_;
};

}  // namespace

void op_space_to_depth(OpTable& t) {
  for (int since : {1, 13, 28}) t.add<SpaceToDepth>("", "SpaceToDepth", since, 1, 1);
}

}  // namespace engine

#include "base/checked.h"
#include "ops/element.h"

namespace engine {
namespace {

// In domain "engine": of data [n, height, width, channel].
class DepthToSpace final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    c.set(0, c.dtype(0));
    block_ = c.attr_int("blocksize", 0);
    if (block_ < 1 || block_ > 65536) return error(Code::InvalidModel, "blocksize is %lld", (long long)block_);
    const std::string mode = c.attr_string("mode", "DCR");
    column_first_ = mode == "CRD";
    if (!column_first_ && mode != "DCR") return error(Code::InvalidModel, "mode is '%s'; DCR and CRD are allowed", mode.c_str());
    last_ = c.node().domain == "engine";
    if (!c.has_rank(0)) return {};
    Shape out = c.shape(0);
    if (out.rank() != 4) return error(Code::InvalidModel, "the input has %d dimensions; 4 are allowed", out.rank());
    int64_t& channels = out[last_ ? 3 : 1];
    if (channels != kUnknownDim) {
      if (channels % (block_ * block_) != 0)
        return error(Code::InvalidModel, "%lld channels do not divide by blocks of %lld x %lld", (long long)channels, (long long)block_,
                     (long long)block_);
      channels /= block_ * block_;
    }
    for (int i : {last_ ? 1 : 2, last_ ? 2 : 3})
      if (out[i] != kUnknownDim && !checked_mul(out[i], block_, &out[i])) return error(Code::InvalidModel, "the image is too large");
    c.set(0, c.dtype(0), out);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& in = c.shape(0);
    if (last_) return prepare_last(c);
    const int64_t b = block_, channels = in[1] / (b * b), plane = in[2] * in[3];
    const int64_t channel = column_first_ ? b * b * plane : plane, row = column_first_ ? b * plane : b * channels * plane,
                  column = column_first_ ? plane : channels * plane;
    int64_t dims[] = {in[0], channels, in[2], b, in[3], b};
    int64_t src[] = {in[1] * plane, channel, in[3], row, 1, column};
    int64_t dst[6];
    contiguous_strides({in[0], channels, in[2], b, in[3], b}, dst);
    copy_ = StridedCopy(element_of(c.dtype(0)), 6, dims, src, dst);
    return {};
  }

  Status run(OpRun& r) const override { return run_copy(r, copy_, 0, 0); }

 private:
  Status prepare_last(PrepareContext& c) {
    const Shape& in = c.shape(0);
    const int64_t b = block_, channels = in[3] / (b * b), channel = column_first_ ? b * b : 1, column = column_first_ ? 1 : channels;
    int64_t dims[] = {in[0], in[1], b, in[2], b, channels};
    int64_t src[] = {in[1] * in[2] * in[3], in[2] * in[3], b * column, in[3], column, channel};
    int64_t dst[6];
    contiguous_strides({in[0], in[1], b, in[2], b, channels}, dst);
    copy_ = StridedCopy(element_of(c.dtype(0)), 6, dims, src, dst);
    return {};
  }

  bool last_ = false;
  int64_t block_ = 1;
  bool column_first_ = false;
  StridedCopy copy_;
};

}  // namespace

void op_depth_to_space(OpTable& t) {
  for (int since : {1, 11, 13, 28}) t.add<DepthToSpace>("", "DepthToSpace", since, 1, 1);
  t.add<DepthToSpace>("engine", "DepthToSpace", 1, 1, 1);
}

}  // namespace engine

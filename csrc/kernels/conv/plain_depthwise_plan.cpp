#include "kernels/conv/plans.h"

namespace engine {
namespace {

constexpr double kTileMicroseconds = 10;
constexpr double kShareOfPeak = 0.15;  // rows are laid out before they are multiplied

class PlainDepthwisePlan final : public ConvPlan {
 public:
  PlainDepthwisePlan(const ConvShape& s, const ConvEpilogue& epilogue)
      : kernels_(conv_kernels()), shape_(s), finish_(conv_finish(epilogue)), rows_(whole_rows(shape_)) {
    plane_rows_ = s.out[0] * s.out[1];
    units_ = s.out[2] > 0 ? s.n * s.c_out * plane_rows_ : 0;
    const double flops = 2.0 * double(s.out[2] + kernels_.lanes) * double(s.taps());
    tile_ = units_per_tile(flops, kernels_.flops_per_microsecond * kShareOfPeak, kTileMicroseconds, units_);
  }

  ConvAlgorithm algorithm() const override { return ConvAlgorithm::plain_depthwise; }
  std::string packing_key() const override { return format("plain_depthwise %s", conv_weight_key(shape_).c_str()); }
  size_t packed_floats() const override { return size_t(shape_.c_out * (1 + shape_.taps())); }
  size_t pack_items() const override { return size_t(shape_.c_out); }
  void pack(const float* weight, const float* bias, float* packed, size_t begin, size_t end) const override {
    const int64_t taps = shape_.taps();
    for (int64_t c = int64_t(begin); c < int64_t(end); ++c) {
      float* out = packed + c * (1 + taps);
      out[0] = bias ? bias[c] : 0.0f;
      for (int64_t tap = 0; tap < taps; ++tap) out[1 + tap] = weight[c * taps + tap];
    }
  }

  size_t tiles(size_t) const override { return size_t(ceil_div(units_, tile_)); }
  size_t scratch_bytes() const override {
    const int64_t reach = (shape_.kernel[2] - 1) * shape_.dilation[2] + 1;
    const int64_t phases = shape_.stride[2] < reach ? shape_.stride[2] : reach;
    return kernel_rows_bytes() +
           size_t(shape_.kernel[0] * shape_.kernel[1] * phases * (shape_.out[2] + reach + 2 * kernels_.lanes)) * 4;
  }
  void run(const ConvTensors& t, size_t, size_t begin, size_t end, void* scratch) const override {
    const int64_t last = int64_t(end) * tile_ < units_ ? int64_t(end) * tile_ : units_;
    for (int64_t unit = int64_t(begin) * tile_; unit < last;) {
      const int64_t plane = unit / plane_rows_, from = unit % plane_rows_;
      const int64_t to = from + last - unit < plane_rows_ ? from + last - unit : plane_rows_;
      run_plane(t, plane, from, to, scratch);
      unit += to - from;
    }
  }

 private:
  size_t kernel_rows_bytes() const {
    return size_t(ceil_div(shape_.kernel[0] * shape_.kernel[1] * int64_t(sizeof(int64_t)), 64) * 64);
  }

  void run_plane(const ConvTensors& t, int64_t plane, int64_t from, int64_t to, void* scratch) const {
    const int64_t out_at = plane * shape_.out_pixels();
    const float* packed = t.packed + plane % shape_.c_out * (1 + shape_.taps());
    ConvPlainDepthwiseJob d;
    d.rows = &rows_;
    d.input = t.input + plane * shape_.in_pixels();
    d.weights = packed + 1;
    d.bias = packed[0];
    d.residual = t.residual ? t.residual + out_at : nullptr;
    d.output = t.output + out_at;
    d.begin = from;
    d.end = to;
    d.kernel_rows = static_cast<int64_t*>(scratch);
    d.scratch = reinterpret_cast<float*>(static_cast<char*>(scratch) + kernel_rows_bytes());
    d.finish = finish_;
    kernels_.plain_depthwise(d);
  }

  const ConvKernels& kernels_;
  const ConvShape shape_;
  const ConvFinish finish_;
  const ConvRows rows_;
  int64_t plane_rows_;
  int64_t units_, tile_;  // output rows of all planes; of one tile
};

}  // namespace

std::unique_ptr<const ConvPlan> make_plain_depthwise_plan(const ConvShape& shape, const ConvEpilogue& epilogue) {
  return std::make_unique<PlainDepthwisePlan>(shape, epilogue);
}

}  // namespace engine

#include "ops/conv/window.h"

#include <algorithm>

namespace engine {
namespace {

// Larger numbers have no use and could overflow in sums and products of two.
constexpr int64_t kMost = int64_t(1) << 30;

Status read_list(const InferContext& c, const char* name, int count, int64_t least, int64_t* out) {
  std::vector<int64_t> values = c.attr_ints(name);
  if (values.empty()) return {};
  if (int(values.size()) != count)
    return error(Code::InvalidModel, "%s has %d elements; %d are wanted", name, int(values.size()), count);
  for (int i = 0; i < count; ++i) {
    if (values[size_t(i)] < least || values[size_t(i)] > kMost)
      return error(Code::InvalidModel, "%s has the element %lld; %lld to %lld are allowed", name, (long long)values[size_t(i)],
                   (long long)least, (long long)kMost);
    out[i] = values[size_t(i)];
  }
  return {};
}

Status read_auto_pad(const InferContext& c, AutoPad* out) {
  std::string name = c.attr_string("auto_pad", "NOTSET");
  const char* names[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
  for (int i = 0; i < 4; ++i)
    if (name == names[i]) {
      *out = AutoPad(i);
      return {};
    }
  return error(Code::InvalidModel, "auto_pad is '%s'; NOTSET, SAME_UPPER, SAME_LOWER and VALID are allowed", name.c_str());
}

}  // namespace

Status read_window(const InferContext& c, int rank, const int64_t* kernel, Window* w) {
  if (rank < 1 || rank > 3) return error(Code::UnsupportedOperator, "%d spatial dimensions; 1 to 3 are supported", rank);
  w->rank = rank;
  if (kernel) std::copy_n(kernel, rank, w->kernel);
  int64_t told[3] = {w->kernel[0], w->kernel[1], w->kernel[2]};
  ENGINE_TRY(read_list(c, "kernel_shape", rank, 1, told));
  for (int d = 0; d < rank; ++d) {
    if (kernel && told[d] != kernel[d])
      return error(Code::InvalidModel, "kernel_shape has %lld where the weight has %lld", (long long)told[d], (long long)kernel[d]);
    if (told[d] < 1 || told[d] > kMost) return error(Code::InvalidModel, "the kernel has a dimension of %lld", (long long)told[d]);
    w->kernel[d] = told[d];
  }
  ENGINE_TRY(read_list(c, "strides", rank, 1, w->stride));
  ENGINE_TRY(read_list(c, "dilations", rank, 1, w->dilation));
  ENGINE_TRY(read_auto_pad(c, &w->auto_pad));
  int64_t pads[6] = {0, 0, 0, 0, 0, 0};
  ENGINE_TRY(read_list(c, "pads", 2 * rank, 0, pads));
  w->explicit_pads = c.has("pads");
  if (w->auto_pad == AutoPad::notset)
    for (int d = 0; d < rank; ++d) {
      w->pad_begin[d] = pads[d];
      w->pad_end[d] = pads[rank + d];
    }
  return {};
}

Result<int64_t> window_output(Window& w, int d, int64_t in, bool ceil_mode) {
  int64_t extent = w.extent(d), stride = w.stride[d];
  if (w.auto_pad == AutoPad::same_upper || w.auto_pad == AutoPad::same_lower) {
    int64_t out = (in + stride - 1) / stride;
    int64_t total = std::max<int64_t>(0, (out - 1) * stride + extent - in);
    w.pad_begin[d] = w.auto_pad == AutoPad::same_upper ? total / 2 : total - total / 2;
    w.pad_end[d] = total - w.pad_begin[d];
    return out;
  }
  int64_t room = in + w.pad_begin[d] + w.pad_end[d] - extent;
  if (in == 0 && extent == 1 && room < 0) return 0;
  if (room < 0)
    return error(Code::InvalidModel, "the kernel spans %lld positions; the input with its pads has %lld", (long long)extent,
                 (long long)(room + extent));
  if (!ceil_mode) return room / stride + 1;
  int64_t out = (room + stride - 1) / stride + 1;
  // A last window that would begin in the pads at the end is left out.
  if ((out - 1) * stride >= in + w.pad_begin[d]) --out;
  return out;
}

void spread(const int64_t* values, int rank, int64_t fill, int64_t* out) {
  for (int d = 0; d < 3; ++d) out[d] = d < 3 - rank ? fill : values[d - (3 - rank)];
}

}  // namespace engine

#include "ops/conv/conv_shape_of.h"

#include <algorithm>

namespace engine {
namespace {

Status check_channels(const InferContext& c, const Shape& x, int weight, bool transposed, int bias, ConvShape* conv) {
  const Shape& w = c.shape(weight);
  if (x.rank() < 3) return error(Code::InvalidModel, "the data have %d dimensions; at least 3 are wanted", x.rank());
  if (w.rank() != x.rank()) return error(Code::InvalidModel, "the weight has %d dimensions, the data have %d", w.rank(), x.rank());
  int64_t group = c.attr_int("group", 1);
  if (group < 1) return error(Code::InvalidModel, "group is %lld", (long long)group);
  int64_t channels = x[1], first = w[0], second = w[1];
  if (first < 1 || second < 1) return error(Code::InvalidModel, "the weight has shape %s", w.text().c_str());
  if (transposed ? first != channels || channels % group : channels % group || second != channels / group || first % group)
    return error(Code::InvalidModel, "weight %s and data %s do not fit with group %lld", w.text().c_str(), x.text().c_str(), (long long)group);
  conv->n = x[0];
  conv->c_in = channels;
  conv->c_out = transposed ? second * group : first;
  conv->groups = group;
  conv->transposed = transposed;
  if (bias >= 0 && c.has_input(bias) && (c.shape(bias).rank() != 1 || c.shape(bias)[0] != conv->c_out))
    return error(Code::InvalidModel, "the bias has shape %s; [%lld] is wanted", c.shape(bias).text().c_str(), (long long)conv->c_out);
  return {};
}

// The output size of a transposed convolution, with pads resolved (ONNX, ConvTranspose: output_shape, auto_pad).
Status transposed_sizes(const InferContext& c, Window& w, const int64_t* in, int64_t* out) {
  std::vector<int64_t> wanted = c.attr_ints("output_shape"), extra = c.attr_ints("output_padding");
  if (int(wanted.size()) == w.rank + 2) wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (!wanted.empty() && int(wanted.size()) != w.rank)
    return error(Code::InvalidModel, "output_shape has %d elements; %d are wanted", int(wanted.size()), w.rank);
  if (!extra.empty() && int(extra.size()) != w.rank)
    return error(Code::InvalidModel, "output_padding has %d elements; %d are wanted", int(extra.size()), w.rank);
  for (int d = 0; d < w.rank; ++d) {
    int64_t more = extra.empty() ? 0 : extra[size_t(d)];
    if (more < 0 || more > (int64_t(1) << 30)) return error(Code::InvalidModel, "output_padding is %lld", (long long)more);
    int64_t full = w.stride[d] * (in[d] - 1) + more + w.extent(d);
    bool same = w.auto_pad == AutoPad::same_upper || w.auto_pad == AutoPad::same_lower;
    if (!wanted.empty() || same) {
      int64_t size = wanted.empty() ? in[d] * w.stride[d] : wanted[size_t(d)];
      if (size < 1 || size > (int64_t(1) << 40)) return error(Code::InvalidModel, "output_shape is %lld", (long long)size);
      int64_t total = full - size;
      // The reference splits max(0, total); a wanted size beyond the full one is padding at the end.
      int64_t cut = std::max<int64_t>(0, total);
      w.pad_begin[d] = w.auto_pad == AutoPad::same_upper ? cut / 2 : cut - cut / 2;
      w.pad_end[d] = total - w.pad_begin[d];
      out[d] = size;
    } else {
      out[d] = full - w.pad_begin[d] - w.pad_end[d];
    }
    if (in[d] == 0) out[d] = 0;
    if (out[d] < 0) return error(Code::InvalidModel, "the pads leave %lld output positions", (long long)out[d]);
  }
  return {};
}

}  // namespace

Status conv_shape_of(const InferContext& c, const Shape& x, int weight, bool transposed, int bias, ConvShape* conv, Shape* output) {
  ENGINE_TRY(check_channels(c, x, weight, transposed, bias, conv));
  int rank = x.rank() - 2;
  Window w;
  ENGINE_TRY(read_window(c, rank, c.shape(weight).begin() + 2, &w));
  int64_t out[3] = {1, 1, 1};
  if (transposed) {
    ENGINE_TRY(transposed_sizes(c, w, x.begin() + 2, out));
  } else {
    for (int d = 0; d < rank; ++d) {
      ENGINE_ASSIGN(out[d], window_output(w, d, x[d + 2], false));
    }
  }
  *output = Shape{x[0], conv->c_out};
  for (int d = 0; d < rank; ++d) output->push_back(out[d]);
  spread(x.begin() + 2, rank, 1, conv->in);
  spread(out, rank, 1, conv->out);
  spread(w.kernel, rank, 1, conv->kernel);
  spread(w.stride, rank, 1, conv->stride);
  spread(w.dilation, rank, 1, conv->dilation);
  spread(w.pad_begin, rank, 0, conv->pad_begin);
  return {};
}

}  // namespace engine

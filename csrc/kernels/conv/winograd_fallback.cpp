#include "kernels/conv/winograd_fallback.h"

#include "kernels/conv/direct_weights.h"

namespace engine {

WinogradFallback::WinogradFallback(const ConvShape& s, const ConvEpilogue& epilogue)
    : shape_(s), finish_(conv_finish(epilogue)), rows_(s, 1) {
  const int64_t lanes = conv_kernels().lanes;
  rows_.rows.pixel_stride = lanes;
  rows_.rows.channel_stride = 1;
  rows_.rows.in_step = s.in_pixels() * lanes;
  rows_.rows.out_step = s.out_pixels() * lanes;
}

size_t WinogradFallback::scratch_bytes() const {
  const ConvKernels& k = conv_kernels();
  return size_t((1 + shape_.c_in * shape_.taps()) * k.direct_blocks * k.lanes) * sizeof(float);
}

void WinogradFallback::run(const ConvTensors& t, const ConvWinograd& form, int64_t image, int64_t begin, int64_t end,
                           int64_t job, void* scratch) const {
  const ConvKernels& k = conv_kernels();
  const int64_t lanes = k.lanes, first = job * k.direct_blocks, blocks = ceil_div(shape_.c_out, lanes);
  const int64_t out_at = (image * blocks + first) * rows_.rows.out_step, left = blocks - first;
  float* packed = static_cast<float*>(scratch);
  ConvDirectJob d;
  d.rows = &rows_.rows;
  d.input = t.input + image * ceil_div(shape_.c_in, lanes) * rows_.rows.in_step;
  d.bias = packed;
  d.blocks = int(left < k.direct_blocks ? left : k.direct_blocks);
  d.weights = packed + d.blocks * lanes;
  d.residual = t.residual ? t.residual + out_at : nullptr;
  d.output = t.output + out_at;
  d.channels = shape_.c_in;
  d.step_channels = lanes;
  d.chunk_steps = ceil_div(shape_.c_in, lanes);
  d.last_lanes = int(d.blocks == left ? shape_.c_out - (blocks - 1) * lanes : lanes);
  d.finish = finish_;
  pack_direct_weights(shape_, t.weight, t.bias, {0, first * lanes, d.blocks * lanes, lanes}, packed);
  for (int64_t tile = begin; tile < end; ++tile) {
    const int64_t start0 = winograd_start(form, 0, tile / form.tiles[1]), start1 = winograd_start(form, 1, tile % form.tiles[1]);
    for (int i = 0; i < form.outputs[0]; ++i)
      for (int j = 0; j < form.outputs[1]; ++j) {
        const int64_t row = start0 + i * form.dilation[0], column = start1 + j * form.dilation[1];
        if (row >= form.out[0] || column >= form.out[1]) continue;
        d.begin = row * form.out_stride[0] + column * form.out_stride[1];
        d.end = d.begin + 1;
        k.direct(d);
      }
  }
}

}  // namespace engine

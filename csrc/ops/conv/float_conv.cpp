#include "ops/conv/float_conv.h"

#include <vector>

#include "base/checked.h"
#include "ops/elementwise/convert.h"

namespace engine {
namespace {

constexpr double kMacsPerNs = 30;

int64_t aligned(int64_t floats) { return round_up(floats * int64_t(sizeof(float)), int64_t(kAlignment)); }

// The elements as float32; `memory` holds them unless they are already.
const float* widened(const Tensor& t, std::vector<float>* memory) {
  if (t.dtype == DType::Float) return t.as<float>();
  memory->resize(size_t(t.elements()));
  Converter(t.dtype, DType::Float)(t.data, memory->data(), t.elements());
  return memory->data();
}

}  // namespace

double conv_tile_ns(const ConvShape& s, size_t tiles) {
  double macs = double(s.n) * double(s.transposed ? s.in_pixels() : s.out_pixels()) * double(s.weight_count());
  return tiles == 0 ? 1 : std::max(50.0, macs / kMacsPerNs / double(tiles));
}

Status FloatConv::prepare(PrepareContext& c, const ConvShape& shape, ChannelLayout input, ChannelLayout output,
                          const ConvEpilogue& epilogue, int weight, int bias, DType dtype) {
  shape_ = shape;
  weight_ = weight;
  bias_ = bias;
  dtype_ = dtype;
  plan_ = make_conv_plan(shape, input, output, epilogue);
  c.need_scratch(int64_t(plan_->scratch_bytes()));
  bool constant = c.is_constant(weight) && (bias < 0 || c.is_constant(bias));
  if (constant) ENGINE_TRY(pack_constant(c));
  int64_t shared = packed_ ? 0 : aligned(int64_t(plan_->packed_floats()));
  shared += round_up(int64_t(plan_->shared_bytes()), int64_t(kAlignment));
  if (dtype != DType::Float) shared += widened_bytes();
  c.need_shared_scratch(shared);
  return {};
}

int64_t FloatConv::widened_bytes() const {
  int64_t in = shape_.n * shape_.c_in * shape_.in_pixels(), out = shape_.n * shape_.c_out * shape_.out_pixels();
  int64_t weights = packed_ ? 0 : aligned(shape_.weight_count()) + aligned(shape_.c_out);
  return aligned(in) + weights + 2 * aligned(out);
}

Status FloatConv::pack_constant(PrepareContext& c) {
  const Tensor& weight = *c.value(weight_);
  const Tensor* bias = bias_ < 0 ? nullptr : c.value(bias_);
  auto fill = [&](char* memory) {
    std::vector<float> wide_weight, wide_bias;
    const float* w = widened(weight, &wide_weight);
    const float* b = bias ? widened(*bias, &wide_bias) : nullptr;
    plan_->pack(w, b, reinterpret_cast<float*>(memory), 0, plan_->pack_items());
  };
  const std::string kind = "conv " + plan_->packing_key();
  const int64_t bytes = int64_t(plan_->packed_floats() * sizeof(float));
  ENGINE_ASSIGN(packed_, c.pack(weight_, kind, bytes, fill, std::span(&bias_, bias ? 1 : 0)));
  return {};
}

Status FloatConv::run_float(OpRun& r, const float* input, const float* weight, const float* bias, const float* residual, float* output,
                            char* scratch) const {
  const float* packed = packed_ ? reinterpret_cast<const float*>(packed_->data()) : reinterpret_cast<float*>(scratch);
  if (!packed_) {
    scratch += aligned(int64_t(plan_->packed_floats()));
    double ns = double(plan_->packed_floats()) / double(std::max<size_t>(1, plan_->pack_items()));
    ENGINE_TRY(r.parallel(int64_t(plan_->pack_items()), ns, [&](int64_t begin, int64_t end, int) {
      plan_->pack(weight, bias, const_cast<float*>(packed), size_t(begin), size_t(end));
    }));
  }
  ConvTensors tensors{input, packed, residual, output, weight, bias, scratch};
  for (size_t stage = 0; stage < plan_->stages(); ++stage) {
    const size_t tiles = plan_->tiles(stage);
    double ns = plan_->tile_ns(stage);
    if (ns == 0) ns = conv_tile_ns(shape_, tiles);
    ENGINE_TRY(r.parallel(int64_t(tiles), ns, [&](int64_t begin, int64_t end, int worker) {
      plan_->run(tensors, stage, size_t(begin), size_t(end), r.scratch(worker));
    }));
  }
  return {};
}

Status FloatConv::run(OpRun& r, int residual) const {
  const void* bias = bias_ >= 0 && r.has(bias_) ? r.in(bias_).data : nullptr;
  const void* rest = residual >= 0 && r.has(residual) ? r.in(residual).data : nullptr;
  if (dtype_ == DType::Float)
    return run_float(r, r.in<float>(0), r.in<float>(weight_), static_cast<const float*>(bias), static_cast<const float*>(rest),
                     r.out<float>(0), r.shared_scratch());
  Converter widen(dtype_, DType::Float), narrow(DType::Float, dtype_);
  int64_t in = shape_.n * shape_.c_in * shape_.in_pixels(), out = shape_.n * shape_.c_out * shape_.out_pixels();
  int64_t size = dtype_size(dtype_);
  char* at = r.shared_scratch();
  Status status;
  auto widen_all = [&](const void* from, int64_t count) -> const float* {
    float* to = reinterpret_cast<float*>(at);
    at += aligned(count);
    if (!from || !status.ok()) return nullptr;
    status = r.parallel(count, widen.ns_per_element(), [&](int64_t begin, int64_t end, int) {
      widen(static_cast<const char*>(from) + begin * size, to + begin, end - begin);
    });
    return to;
  };
  const float* x = widen_all(r.in(0).data, in);
  const float* w = packed_ ? nullptr : widen_all(r.in(weight_).data, shape_.weight_count());
  const float* b = packed_ ? nullptr : widen_all(bias, shape_.c_out);
  const float* residual_f = widen_all(rest, out);
  float* y = reinterpret_cast<float*>(at);
  at += aligned(out);
  ENGINE_TRY(std::move(status));
  ENGINE_TRY(run_float(r, x, w, b, residual_f, y, at));
  char* to = r.out<char>(0);
  return r.parallel(out, narrow.ns_per_element(), [&](int64_t begin, int64_t end, int) { narrow(y + begin, to + begin * size, end - begin); });
}

}  // namespace engine

#include "ops/pool/pool_op.h"

#include <algorithm>

#include "base/checked.h"
#include "kernels/pool/pool_generic.h"
#include "ops/elementwise/convert.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr double kMostPlannedTaps = 16384;  // larger windows go element by element, which looks at the clock
constexpr double kPlanNs = 0.15, kGenericNs = 2.5, kPowerNs = 30;

bool is_half(DType d) { return d == DType::Float16 || d == DType::BFloat16; }

int64_t aligned_floats(int64_t n) { return round_up(n * int64_t(sizeof(float)), int64_t(kAlignment)); }

}  // namespace

Status PoolOp::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, allowed_));
  if (pooling_ == Pooling::lp) {
    const Attribute* p = c.attribute("p");
    p_ = p && p->kind == AttributeKind::Float && !p->floats.empty() ? int64_t(p->floats[0]) : c.attr_int("p", 2);
    if (p_ < 1) return error(Code::InvalidModel, "p is %lld; at least 1 is wanted", (long long)p_);
  }
  count_pads_ = pooling_ == Pooling::average && c.attr_int("count_include_pad", 0) != 0;
  column_major_ = pooling_ == Pooling::max && c.attr_int("storage_order", 0) != 0;
  set_outputs(c, nullptr);
  blocked_ = c.node().domain == "engine";
  if (!c.has_rank(0)) return {};
  Shape x = c.shape(0);
  if (blocked_) ENGINE_TRY(unblock(c, &x));
  if (x.rank() < 3) return error(Code::InvalidModel, "the data have %d dimensions; at least 3 are wanted", x.rank());
  Shape output;
  if (global_) set_global(x, &output);
  else ENGINE_TRY(infer_windows(c, x, &output));
  if (blocked_) {
    output[1] = c.shape(0)[1];
    output.push_back(c.shape(0).back());
  }
  set_outputs(c, &output);
  return {};
}

void PoolOp::set_outputs(InferContext& c, const Shape* shape) {
  DType dtypes[] = {c.dtype(0), DType::Int64};
  for (int o = 0; o < std::min(2, c.output_count()); ++o)
    if (c.has_output(o)) shape ? c.set(o, dtypes[o], *shape) : c.set(o, dtypes[o]);
}

void PoolOp::set_global(const Shape& x, Shape* output) {
  *output = Shape::filled(x.rank(), 1);
  (*output)[0] = x[0], (*output)[1] = x[1];
  if (!x.known()) return;
  shape_ = PoolShape();
  shape_.n = x[0], shape_.channels = x[1];
  shape_.in[2] = shape_.kernel[2] = x.elements(2, x.rank());
}

Status PoolOp::unblock(InferContext& c, Shape* x) {
  int64_t lanes = blocked_kernels().lanes, channels = c.attr_int("channels", 0);
  ENGINE_TRY(c.require(0, dtypes::kFloat32));
  if (x->rank() < 4 || !x->known() || x->back() != lanes || channels < 1 || (*x)[1] != (channels + lanes - 1) / lanes)
    return error(Code::InvalidModel, "blocked data of %lld channels have shape %s", (long long)channels, x->text().c_str());
  x->erase(x->rank() - 1);
  (*x)[1] = channels;
  return {};
}

Status PoolOp::infer_windows(InferContext& c, const Shape& x, Shape* output) {
  int rank = x.rank() - 2;
  if (!c.has("kernel_shape")) return error(Code::InvalidModel, "kernel_shape is missing");
  Window w;
  ENGINE_TRY(read_window(c, rank, nullptr, &w));
  bool ceil_mode = c.attr_int("ceil_mode", 0) != 0;
  int64_t out[3] = {1, 1, 1};
  *output = Shape{x[0], x[1]};
  for (int d = 0; d < rank; ++d) {
    out[d] = kUnknownDim;
    if (x[d + 2] >= 0) {
      ENGINE_ASSIGN(out[d], window_output(w, d, x[d + 2], ceil_mode));
    }
    output->push_back(out[d]);
  }
  if (!x.known()) return {};
  shape_.n = x[0], shape_.channels = x[1];
  spread(x.begin() + 2, rank, 1, shape_.in);
  spread(out, rank, 1, shape_.out);
  spread(w.kernel, rank, 1, shape_.kernel);
  spread(w.stride, rank, 1, shape_.stride);
  spread(w.dilation, rank, 1, shape_.dilation);
  spread(w.pad_begin, rank, 0, shape_.pad_begin);
  spread(w.pad_end, rank, 0, shape_.pad_end);
  return {};
}

Status PoolOp::prepare(PrepareContext& c) {
  double taps = double(shape_.kernel[0]) * double(shape_.kernel[1]) * double(shape_.kernel[2]);
  ns_per_output_ = taps * kGenericNs + 5;
  if (pooling_ == Pooling::lp && p_ > 2) ns_per_output_ += taps * kPowerNs;
  bool floats = c.dtype(0) == DType::Float || is_half(c.dtype(0));
  bool indices = c.has_output(1) && pooling_ == Pooling::max;
  bool large = !global_ && !blocked_ && taps > kMostPlannedTaps;
  if (!floats || indices || large || pooling_ == Pooling::lp) return {};
  PoolKind kind = pooling_ == Pooling::max ? PoolKind::max : PoolKind::average;
  plan_ = make_pool_plan(shape_, kind, blocked_ ? ChannelLayout::blocked : ChannelLayout::plain, count_pads_);
  double outputs = double(shape_.n) * double(shape_.channels) * double(shape_.out_pixels());
  ns_per_tile_ = std::max(20.0, outputs * taps * kPlanNs / double(std::max<size_t>(1, plan_->tiles())));
  c.need_scratch(int64_t(plan_->scratch_bytes()));
  if (is_half(c.dtype(0))) c.need_shared_scratch(aligned_floats(c.shape(0).elements()) + aligned_floats(c.output_shape(0).elements()));
  return {};
}

Status PoolOp::run(OpRun& r) const {
  if (!plan_) return run_generic(r);
  if (r.in(0).dtype != DType::Float) return run_widened(r);
  return run_plan(r, r.in<float>(0), r.out<float>(0));
}

Status PoolOp::run_plan(OpRun& r, const float* x, float* y) const {
  return r.parallel(int64_t(plan_->tiles()), ns_per_tile_, [&](int64_t begin, int64_t end, int worker) {
    plan_->run(x, y, size_t(begin), size_t(end), r.scratch(worker));
  });
}

Status PoolOp::run_widened(OpRun& r) const {
  const Tensor& x = r.in(0);
  int64_t size = dtype_size(x.dtype), in = x.elements(), out = r.out(0).elements();
  Converter widen(x.dtype, DType::Float), narrow(DType::Float, x.dtype);
  float* wide = r.shared_scratch<float>();
  float* pooled = reinterpret_cast<float*>(r.shared_scratch() + aligned_floats(in));
  ENGINE_TRY(r.parallel(in, widen.ns_per_element(), [&](int64_t begin, int64_t end, int) {
    widen(x.as<char>() + begin * size, wide + begin, end - begin);
  }));
  ENGINE_TRY(run_plan(r, wide, pooled));
  char* y = r.out<char>(0);
  return r.parallel(out, narrow.ns_per_element(),
                    [&](int64_t begin, int64_t end, int) { narrow(pooled + begin, y + begin * size, end - begin); });
}

template <class T, class A>
void PoolOp::run_range(OpRun& r, int64_t* indices, int64_t begin, int64_t end, int worker) const {
  const Tensor& x = r.in(0);
  Tensor& y = r.out(0);
  auto go = [&] { return goes_on(r, worker); };
  int64_t in = shape_.in_pixels(), out = shape_.out_pixels();
  while (begin < end) {
    int64_t plane = begin / out, first = begin % out, last = std::min(out, first + end - begin);
    const T* from = x.as<T>() + plane * in;
    T* to = y.as<T>() + plane * out;
    if (pooling_ == Pooling::max)
      max_pool_generic<T, A>(shape_, from, first, last, to, indices ? indices + plane * out : nullptr, plane * in, column_major_, go);
    else if constexpr (std::is_floating_point_v<A>) {
      if (pooling_ == Pooling::average) average_pool_generic<T, A>(shape_, from, first, last, count_pads_, to, go);
      else lp_pool_generic<T, A>(shape_, from, first, last, p_, to, go);
    }
    begin += last - first;
  }
}

Status PoolOp::run_generic(OpRun& r) const {
  int64_t* indices = r.wants(1) ? r.out<int64_t>(1) : nullptr;
  int64_t outputs = shape_.n * shape_.channels * shape_.out_pixels();
  return r.parallel(outputs, ns_per_output_, [&](int64_t begin, int64_t end, int worker) {
    switch (r.in(0).dtype) {
      case DType::Float: return run_range<float, float>(r, indices, begin, end, worker);
      case DType::Double: return run_range<double, double>(r, indices, begin, end, worker);
      case DType::Float16: return run_range<Half, float>(r, indices, begin, end, worker);
      case DType::BFloat16: return run_range<BFloat16, float>(r, indices, begin, end, worker);
      case DType::Int8: return run_range<int8_t, int8_t>(r, indices, begin, end, worker);
      default: return run_range<uint8_t, uint8_t>(r, indices, begin, end, worker);
    }
  });
}

}  // namespace engine

#include "ops/reduce/reduce_op.h"

#include "base/checked.h"
#include "ops/axes.h"
#include "ops/elementwise/element_type.h"

namespace engine {
namespace {

bool needs_floats(Reduction kind) {
  return kind == Reduction::Mean || kind == Reduction::L2 || kind == Reduction::LogSum || kind == Reduction::LogSumExp;
}

DType computed_type(Reduction kind, DType dtype) {
  if (is_half_width(dtype)) return DType::Float;
  if (dtype == DType::Bool) return DType::Uint8;
  return contains(dtypes::kIntegers, dtype) && needs_floats(kind) ? DType::Double : dtype;
}

}  // namespace

Status Reduce::mark(const Shape& in, const std::vector<int64_t>& axes, bool* reduced) const {
  std::fill_n(reduced, kMaxRank, axes.empty() && !noop_);
  ENGINE_ASSIGN(std::vector<int> list, normalize_axes(axes, in.rank()));
  for (int a : list) reduced[a] = true;
  return {};
}

Shape Reduce::output_shape(const Shape& in, const bool* reduced) const {
  Shape out;
  for (int i = 0; i < in.rank(); ++i) {
    if (!reduced[i]) out.push_back(in[i]);
    else if (keep_) out.push_back(1);
  }
  return out;
}

Status Reduce::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, types_));
  bool from_input = c.opset() >= axes_input_;
  keep_ = c.attr_int("keepdims", 1) != 0;
  noop_ = from_input && c.attr_int("noop_with_empty_axes", 0) != 0;
  ENGINE_ASSIGN(ListState state, read_list(c, from_input, 1, "axes", &axes_));
  axes_known_ = state != ListState::Unknown;
  dtype_ = c.dtype(0);
  c.set(0, dtype_);
  if (!axes_known_) {
    if (c.has_rank(0) && keep_) c.set(0, dtype_, Shape::filled(c.shape(0).rank(), kUnknownDim));
    c.set_at_run(0);
    return {};
  }
  if (!c.has_rank(0)) return {};
  bool reduced[kMaxRank];
  ENGINE_TRY(mark(c.shape(0), axes_, reduced));
  c.set(0, dtype_, output_shape(c.shape(0), reduced));
  return {};
}

Reduce::Work Reduce::make_work(const Shape& in, const bool* reduced) const {
  Work w;
  std::copy(reduced, reduced + kMaxRank, w.reduced);
  w.plan = ReductionPlan(kind_, computed_, in, reduced);
  w.inputs = in.elements();
  bool converts = computed_ != dtype_ && dtype_ != DType::Bool;
  int64_t size = dtype_size(computed_);
  w.converted = converts ? round_up((w.inputs + w.plan.outputs()) * size, 64) : 0;
  w.scratch = w.converted + w.plan.scratch();
  return w;
}

Status Reduce::prepare(PrepareContext& c) {
  computed_ = computed_type(kind_, dtype_);
  load_ = Converter(dtype_, computed_);
  store_ = Converter(computed_, dtype_);
  if (!axes_known_) return {};
  bool reduced[kMaxRank];
  ENGINE_TRY(mark(c.shape(0), axes_, reduced));
  work_ = make_work(c.shape(0), reduced);
  c.need_shared_scratch(work_.scratch);
  return {};
}

Status Reduce::compute(OpRun& r, const Work& w, char* scratch) const {
  const char* x = r.in<char>(0);
  char* y = r.out<char>(0);
  char* rest = scratch + w.converted;
  if (w.converted == 0) {
    ENGINE_TRY(w.plan.run(r, x, y, rest));
    if (dtype_ != DType::Bool) return {};
    return r.parallel(w.plan.outputs(), 0.1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) y[i] = y[i] != 0;
    });
  }
  int64_t from = dtype_size(dtype_), size = dtype_size(computed_);
  char* results = scratch + w.inputs * size;
  ENGINE_TRY(r.parallel(w.inputs, load_.ns_per_element(), [&](int64_t begin, int64_t end, int) {
    load_(x + begin * from, scratch + begin * size, end - begin);
  }));
  ENGINE_TRY(w.plan.run(r, scratch, results, rest));
  return r.parallel(w.plan.outputs(), store_.ns_per_element(), [&](int64_t begin, int64_t end, int) {
    store_(results + begin * size, y + begin * from, end - begin);
  });
}

Status Reduce::run(OpRun& r) const {
  if (axes_known_) return compute(r, work_, r.shared_scratch());
  const Shape& in = r.in(0).shape;
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < r.in(1).elements(); ++i) axes.push_back(integer_at(r.in(1), i));
  bool reduced[kMaxRank];
  ENGINE_TRY(mark(in, axes, reduced));
  Work work = make_work(in, reduced);
  ENGINE_TRY(r.allocate(0, dtype_, output_shape(in, reduced)));
  ENGINE_ASSIGN(Tensor scratch, r.make(DType::Uint8, {work.scratch}));
  return compute(r, work, scratch.as<char>());
}

}  // namespace engine

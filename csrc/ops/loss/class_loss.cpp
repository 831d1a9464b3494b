#include "ops/loss/class_loss.h"

#include <atomic>
#include <cmath>

#include "base/checked.h"
#include "ops/elementwise/convert.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr int64_t kPiece = 2048;  // classes between two looks at the clock

void store(OpRun& r, int o, int64_t i, double value) {
  Tensor& t = r.out(o);
  Converter(DType::Double, t.dtype)(&value, t.as<char>() + i * dtype_size(t.dtype), 1);
}

}  // namespace

Status ClassLoss::check_shapes(InferContext& c) {
  const Shape &x = c.shape(0), &labels = c.shape(1);
  bool fits = x.rank() >= 2 && labels.rank() == x.rank() - 1;
  for (int d = 0; fits && d < labels.rank(); ++d) fits = labels[d] == x[d == 0 ? 0 : d + 1];
  if (!fits)
    return error(Code::InvalidModel, "labels have shape %s; scores have %s", labels.text().c_str(), x.text().c_str());
  if (c.known(2) && c.shape(2).elements() != x[1])
    return error(Code::InvalidModel, "weights have shape %s; there are %lld classes", c.shape(2).text().c_str(), (long long)x[1]);
  return {};
}

Status ClassLoss::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, dtypes::kFloats));
  ENGINE_TRY(c.require(1, dtypes::kIndex));
  if (c.has_input(2)) ENGINE_TRY(c.require_same(0, 2));
  std::string reduction = c.attr_string("reduction", "mean");
  if (reduction != "none" && reduction != "sum" && reduction != "mean")
    return error(Code::InvalidModel, "reduction is '%s'; none, sum and mean are allowed", reduction.c_str());
  reduction_ = reduction == "none" ? None : reduction == "sum" ? Sum : Mean;
  has_ignored_ = c.has("ignore_index");
  ignored_ = c.attr_int("ignore_index", 0);
  if (reduction_ != None) c.set(0, c.dtype(0), Shape());
  else if (c.has_rank(1)) c.set(0, c.dtype(0), c.shape(1));
  else c.set(0, c.dtype(0));
  c.set(1, c.type(0));
  return c.known(0) && c.known(1) ? check_shapes(c) : Status();
}

Status ClassLoss::prepare(PrepareContext& c) {
  const Shape& x = c.shape(0);
  batch_ = x[0];
  classes_ = x[1];
  inner_ = x.elements(2, x.rank());
  const bool all[kMaxRank] = {true};
  sum_ = ReductionPlan(Reduction::Sum, DType::Double, Shape{batch_ * inner_}, all);
  c.need_shared_scratch((2 * batch_ * inner_ + 2) * int64_t(sizeof(double)) + sum_.scratch());
  return {};
}

// False when the label is no class. When the call must stop, the loss is left as it is.
bool ClassLoss::label_loss(OpRun& r, int64_t i, int worker, double* loss, double* weight) const {
  const Tensor& x = r.in(0);
  int64_t label = integer_at(r.in(1), i), first = i / inner_ * classes_ * inner_ + i % inner_;
  auto score = [&](int64_t k) { return number_at(x, first + k * inner_); };
  double top = 0, shift = 0;
  if (normalises_) {
    auto each_class = [&](auto&& fn) {
      return within_item(r, worker, classes_, kPiece, [&](int64_t begin, int64_t end) {
        for (int64_t k = begin; k < end; ++k) fn(k);
      });
    };
    top = -INFINITY;
    double total = 0;
    if (!each_class([&](int64_t k) { top = score(k) > top || std::isnan(score(k)) ? score(k) : top; })) return true;
    if (!each_class([&](int64_t k) { total += std::exp(score(k) - top); })) return true;
    shift = std::log(total);
    if (r.wants(1) && !each_class([&](int64_t k) { store(r, 1, first + k * inner_, score(k) - top - shift); })) return true;
  }
  bool ignored = has_ignored_ && label == ignored_;
  *loss = *weight = 0;
  if (ignored) return true;
  if (label < 0 || label >= classes_) return false;
  *weight = r.has(2) ? number_at(r.in(2), label) : 1;
  *loss = -*weight * (score(label) - top - shift);
  return true;
}

Status ClassLoss::reduce(OpRun& r, double* losses, double* weights, char* scratch) const {
  if (reduction_ == None)
    return r.parallel(batch_ * inner_, 12, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) store(r, 0, i, losses[i]);
    });
  double loss = 0, weight = 0;
  ENGINE_TRY(sum_.run(r, losses, &loss, scratch));
  ENGINE_TRY(sum_.run(r, weights, &weight, scratch));
  store(r, 0, 0, reduction_ == Mean ? loss / weight : loss);
  return {};
}

Status ClassLoss::run(OpRun& r) const {
  int64_t n = batch_ * inner_;
  double *losses = r.shared_scratch<double>(), *weights = losses + n;
  std::atomic<bool> fits{true};
  ENGINE_TRY(r.parallel(n, 20 + (normalises_ ? 20 * double(classes_) : 0), [&](int64_t begin, int64_t end, int worker) {
    for (int64_t i = begin; i < end; ++i)
      if (!label_loss(r, i, worker, losses + i, weights + i)) fits.store(false, std::memory_order_relaxed);
  }));
  if (!fits) return error(Code::InvalidModel, "a label is outside [0, %lld)", (long long)classes_);
  return reduce(r, losses, weights, reinterpret_cast<char*>(weights + n));
}

}  // namespace engine

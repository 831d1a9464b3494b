#include "ops/reduce/reduction.h"

#include <cmath>

#include "base/checked.h"
#include "kernels/reduce/plain.h"

namespace engine {
namespace {

constexpr int64_t kStrip = 256;         // columns of one item at most
constexpr double kItemNs = 60e3;        // which has fewer where it would take longer, but a line of the cache
constexpr int64_t kLongRow = 32768;     // rows above this are cut into blocks
constexpr int64_t kColumnElements = 1 << 18;
constexpr int kLanes = 8;

using ComputedTypes = TypeList<float, double, int8_t, uint8_t, int32_t, uint32_t, int64_t, uint64_t>;

ReduceOp first_op(Reduction kind) {
  switch (kind) {
    case Reduction::Max: return ReduceOp::max;
    case Reduction::Min: return ReduceOp::min;
    case Reduction::Prod: return ReduceOp::prod;
    case Reduction::L1: return ReduceOp::sum_abs;
    case Reduction::L2:
    case Reduction::SumSquare: return ReduceOp::sum_square;
    default: return ReduceOp::sum;
  }
}

// What combines results of `op`.
ReduceOp combining(ReduceOp op) {
  return op == ReduceOp::sum_abs || op == ReduceOp::sum_square ? ReduceOp::sum : op;
}

template <template <class> class Op, class T>
T fold_lanes(const T* lanes) {
  T total = lanes[0];
  for (int l = 1; l < kLanes; ++l) total = Op<T>::step(total, lanes[l]);
  return total;
}

template <template <class> class Op, template <class> class Fold, class T>
void plain_rows(const T* x, size_t rows, size_t n, T* y) {
  for (size_t r = 0; r < rows; ++r, x += n) {
    T lanes[kLanes];
    for (T& lane : lanes) lane = Op<T>::init();
    size_t i = 0;
    for (; i + kLanes <= n; i += kLanes)
      for (int l = 0; l < kLanes; ++l) lanes[l] = Op<T>::step(lanes[l], x[i + size_t(l)]);
    for (; i < n; ++i) lanes[0] = Op<T>::step(lanes[0], x[i]);
    y[r] = fold_lanes<Fold, T>(lanes);
  }
}

template <class T>
void reduce_rows(ReduceOp op, const T* x, size_t rows, size_t n, T* y) {
  if constexpr (std::is_same_v<T, float>) return reduce_kernels().rows[int(op)](x, rows, n, y);
  switch (op) {
    case ReduceOp::sum: return plain_rows<plain::Sum, plain::Sum, T>(x, rows, n, y);
    case ReduceOp::max: return plain_rows<plain::Max, plain::Max, T>(x, rows, n, y);
    case ReduceOp::min: return plain_rows<plain::Min, plain::Min, T>(x, rows, n, y);
    case ReduceOp::prod: return plain_rows<plain::Prod, plain::Prod, T>(x, rows, n, y);
    case ReduceOp::sum_abs: return plain_rows<plain::SumAbs, plain::Sum, T>(x, rows, n, y);
    case ReduceOp::sum_square: return plain_rows<plain::SumSquare, plain::Sum, T>(x, rows, n, y);
  }
}

template <class T>
void reduce_columns(ReduceOp op, const T* x, size_t n, size_t stride, size_t count, T* y) {
  if constexpr (std::is_same_v<T, float>) return reduce_kernels().columns[int(op)](x, n, stride, count, y);
  plain::with_reduce(op, [&]<template <class> class Op>() { plain::reduce_columns<Op, T>(x, n, stride, count, y); });
}

void sum_exp_rows(const float* x, const float* shift, size_t rows, size_t n, float* y) {
  reduce_kernels().sum_exp_rows(x, shift, rows, n, y);
}
void sum_exp_rows(const double* x, const double* shift, size_t rows, size_t n, double* y) {
  for (size_t r = 0; r < rows; ++r) {
    double total = 0;
    for (size_t i = 0; i < n; ++i) total += std::exp(x[r * n + i] - shift[r]);
    y[r] = total;
  }
}
void sum_exp_columns(const float* x, const float* shift, size_t n, size_t stride, size_t count, float* y) {
  reduce_kernels().sum_exp_columns(x, shift, n, stride, count, y);
}
void sum_exp_columns(const double* x, const double* shift, size_t n, size_t stride, size_t count, double* y) {
  for (size_t i = 0; i < count; ++i) y[i] = 0;
  for (size_t r = 0; r < n; ++r)
    for (size_t i = 0; i < count; ++i) y[i] += std::exp(x[r * stride + i] - shift[i]);
}

// A reduction of runs, by elements or by exponentials less a shift per output.
template <class T>
struct Runs {
  ReduceOp op;
  const T* shift = nullptr;

  void rows(const T* x, int64_t first, int64_t rows, int64_t n, T* y) const {
    if constexpr (std::is_floating_point_v<T>)
      if (shift) return sum_exp_rows(x, shift + first, size_t(rows), size_t(n), y);
    reduce_rows(op, x, size_t(rows), size_t(n), y);
  }
  void columns(const T* x, int64_t first, int64_t n, int64_t stride, int64_t count, T* y) const {
    if constexpr (std::is_floating_point_v<T>)
      if (shift) return sum_exp_columns(x, shift + first, size_t(n), size_t(stride), size_t(count), y);
    reduce_columns(op, x, size_t(n), size_t(stride), size_t(count), y);
  }
  double ns() const { return (shift ? 0.8 : 0.12) * double(sizeof(T)) / 4 * (std::is_same_v<T, float> ? 1 : 4); }
};

// Columns of one item, each of which takes about `ns`: they are independent, so that any number gives the same bits.
template <class T>
int64_t strip_of(double ns) {
  constexpr int64_t line = 64 / int64_t(sizeof(T));
  return std::clamp(int64_t(kItemNs / std::max(ns, 1.0)) / line * line, line, kStrip);
}

// [outer, length, inner] in blocks of the length -> [outer, blocks, inner]; finish(y, first, count) ends what a tile made.
template <class T, class Finish>
Status reduce_blocks(OpRun& r, const Runs<T>& runs, int64_t outer, int64_t length, int64_t inner, int64_t block, int64_t blocks,
                     const T* x, T* y, Finish&& finish) {
  if (inner == 1 && blocks == 1)
    return r.parallel(outer, 5 + runs.ns() * double(length), [&](int64_t begin, int64_t end, int) {
      runs.rows(x + begin * length, begin, end - begin, length, y + begin);
      finish(y + begin, begin, end - begin);
    });
  const int64_t strip = strip_of<T>(runs.ns() * double(std::min(block, length)));
  int64_t strips = ceil_div(inner, strip);
  double width = double(std::max<int64_t>(std::min(inner, strip), 16 / int64_t(sizeof(T))));
  return r.parallel(outer * blocks * strips, 10 + runs.ns() * width * double(std::min(block, length)), [&](int64_t begin, int64_t end, int) {
    for (int64_t item = begin; item < end; ++item) {
      int64_t column = item % strips * strip, at = item / strips, o = at / blocks, b = at % blocks;
      int64_t count = std::min(strip, inner - column), rows = std::min(block, length - b * block);
      const T* from = x + (o * length + b * block) * inner + column;
      T* to = y + at * inner + column;
      if (inner == 1) runs.rows(from, o, 1, rows, to);
      else runs.columns(from, o * inner + column, rows, inner, count, to);
      finish(to, at * inner + column, count);
    }
  });
}

}  // namespace

ReductionPlan::Pass ReductionPlan::make_pass(int64_t outer, int64_t length, int64_t inner) {
  Pass p{outer, length, inner};
  p.block = inner == 1 ? (length > kLongRow ? int64_t(kReduceBlock) : length)
                       : std::max<int64_t>(64, std::min<int64_t>(kLongRow, kColumnElements / std::min(std::max<int64_t>(inner, 1), kStrip)));
  if (length <= p.block) p.block = length;
  p.blocks = p.block > 0 ? ceil_div(length, p.block) : 1;
  return p;
}

ReductionPlan::ReductionPlan(Reduction kind, DType computed, const Shape& in, const bool* reduced) : kind_(kind), computed_(computed) {
  int64_t kept = 1, before = in.elements();
  bool zero = before == 0;
  for (int i = in.rank() - 1; i >= 0;) {
    int64_t run = 1;
    int first = i;
    for (; first >= 0 && (reduced[first] == reduced[i] || in[first] == 1); --first) run *= in[first];
    int64_t outer = zero ? in.elements(0, first + 1) : before / run;
    if (!reduced[i]) kept *= run;
    else if (run != 1) {
      passes_.push_back(make_pass(outer, run, kept));
      count_ *= run;
    }
    before = outer;
    i = first;
  }
  outputs_ = kept;
  if (passes_.empty()) passes_.push_back(make_pass(1, 1, kept));
  for (size_t i = 0; i < passes_.size(); ++i) {
    if (i + 1 < passes_.size()) middle_ = std::max(middle_, passes_[i].outputs());
    partials_ = std::max(partials_, passes_[i].partials());
  }
  int64_t shifts = kind == Reduction::LogSumExp ? std::max(middle_, outputs_) : 0;
  scratch_elements_ = 2 * middle_ + partials_ + shifts;
}

template <class T>
Status ReductionPlan::run_pass(OpRun& r, const Pass& p, bool first, bool last, const T* x, T* y, T* shift, T* partial) const {
  auto nothing = [](T*, int64_t, int64_t) {};
  auto end = [&](T* to, int64_t at, int64_t n) {
    if constexpr (std::is_floating_point_v<T>) {
      if (kind_ == Reduction::LogSumExp)
        for (int64_t i = 0; i < n; ++i) to[i] = std::log(to[i]) + shift[at + i];
      if (!last) return;
      if (kind_ == Reduction::Mean)
        for (int64_t i = 0; i < n; ++i) to[i] /= T(count_);
      if (kind_ == Reduction::L2)
        for (int64_t i = 0; i < n; ++i) to[i] = std::sqrt(to[i]);
      if (kind_ == Reduction::LogSum)
        for (int64_t i = 0; i < n; ++i) to[i] = std::log(to[i]);
    }
  };
  auto reduce = [&](const Runs<T>& runs, T* to, auto&& finish) -> Status {
    if (p.blocks == 1) return reduce_blocks(r, runs, p.outer, p.length, p.inner, p.block, 1, x, to, finish);
    ENGINE_TRY(reduce_blocks(r, runs, p.outer, p.length, p.inner, p.block, p.blocks, x, partial, nothing));
    return reduce_blocks(r, Runs<T>{combining(runs.op)}, p.outer, p.blocks, p.inner, p.blocks, 1, partial, to, finish);
  };
  if (kind_ != Reduction::LogSumExp) {
    ReduceOp op = first_op(kind_);
    return reduce(Runs<T>{first ? op : combining(op)}, y, end);
  }
  if constexpr (std::is_floating_point_v<T>) {
    ENGINE_TRY(reduce(Runs<T>{ReduceOp::max}, shift, [](T* to, int64_t, int64_t n) {
      for (int64_t i = 0; i < n; ++i)
        if (!std::isfinite(to[i])) to[i] = 0;
    }));
    return reduce(Runs<T>{ReduceOp::sum, shift}, y, end);
  }
  return error(Code::InternalError, "a logarithm of integers");
}

template <class T>
Status ReductionPlan::run_typed(OpRun& r, const T* x, T* y, T* scratch) const {
  T *middle[2] = {scratch, scratch + middle_}, *partial = scratch + 2 * middle_, *shift = partial + partials_;
  for (size_t i = 0; i < passes_.size(); ++i) {
    bool last = i + 1 == passes_.size();
    T* to = last ? y : middle[i % 2];
    ENGINE_TRY(run_pass<T>(r, passes_[i], i == 0, last, x, to, shift, partial));
    x = to;
  }
  return {};
}

Status ReductionPlan::run(OpRun& r, const void* x, void* y, void* scratch) const {
  if (outputs_ == 0) return {};
  Status status;
  visit_dtype(ComputedTypes{}, computed_, [&]<class T>() {
    status = run_typed<T>(r, static_cast<const T*>(x), static_cast<T*>(y), static_cast<T*>(scratch));
  });
  return status;
}

}  // namespace engine

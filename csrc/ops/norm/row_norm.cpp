#include "ops/norm/row_norm.h"

#include <cmath>

#include "base/checked.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/reduce/reduce.h"
#include "ops/elementwise/element_type.h"
#include "ops/norm/moments.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr int64_t kLongRow = 1 << 17;  // rows above this are cut into blocks
constexpr int64_t kBlock = 16384;
constexpr int64_t kDoublePiece = 4096;
constexpr double kNs = 0.45;           // an element: read twice or thrice, written once

// The row's dims without leading ones.
Shape stripped(const Shape& shape) {
  Shape out;
  for (int64_t d : shape)
    if (out.rank() > 0 || d != 1) out.push_back(d);
  return out;
}

}  // namespace

Status RowNorm::check_row_operand(const InferContext& c, int i, int rank) const {
  if (i < 0 || !c.has_input(i)) return {};
  ENGINE_TRY(c.require(i, dtypes::kFloats));
  if (!c.known(i) || !c.known(0)) return {};
  const Shape operand = stripped(c.shape(i)), &x = c.shape(0);
  bool fits = operand.rank() <= rank - axis_;
  for (int d = 0; fits && d < operand.rank(); ++d) {
    int64_t have = operand[operand.rank() - 1 - d], want = x[rank - 1 - d];
    fits = have == want || have == 1;
  }
  if (fits) return {};
  return error(Code::InvalidModel, "input %d has shape %s, which is not broadcast to the axes from %d on of %s", i,
               c.shape(i).text().c_str(), axis_, x.text().c_str());
}

Status RowNorm::check_residual(const InferContext& c) const {
  ENGINE_TRY(c.require(s_.residual, dtypes::kFloats));
  ENGINE_TRY(c.require_same(0, s_.residual));
  if (!c.known(0) || !c.known(s_.residual)) return {};
  const Shape residual = stripped(c.shape(s_.residual)), &x = c.shape(0);
  bool fits = residual.rank() <= x.rank() && (x.elements() == 0 || residual.elements() % x.elements(axis_, x.rank()) == 0);
  for (int d = 0; fits && d < residual.rank(); ++d) fits = residual[residual.rank() - 1 - d] == x[x.rank() - 1 - d];
  if (fits) return {};
  return error(Code::InvalidModel, "the residual has shape %s; that of the input is %s", c.shape(s_.residual).text().c_str(), x.text().c_str());
}

Status RowNorm::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, dtypes::kFloats));
  ENGINE_TRY(c.require(s_.scale, dtypes::kFloats));
  epsilon_ = c.attr_float("epsilon", s_.epsilon);
  int64_t stash = c.attr_int("stash_type", 1);
  bool statistics = (s_.mean >= 0 && c.has_output(s_.mean)) || (s_.inv_std >= 0 && c.has_output(s_.inv_std));
  if (stash != 1 && statistics) return error(Code::UnsupportedOperator, "stash_type is %lld; float32 (1) is supported", (long long)stash);
  x_type_ = c.dtype(0);
  y_type_ = s_.dtype_of_scale ? c.dtype(s_.scale) : x_type_;
  c.set(0, y_type_);
  for (int o : {s_.mean, s_.inv_std})
    if (o >= 0) c.set(o, DType::Float);
  if (s_.sum >= 0) c.set(s_.sum, x_type_);
  if (!c.has_rank(0)) return {};
  const Shape& x = c.shape(0);
  ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", -1), x.rank()));
  for (int i : {s_.scale, s_.bias, s_.residual_bias}) ENGINE_TRY(check_row_operand(c, i, x.rank()));
  if (s_.residual >= 0) ENGINE_TRY(check_residual(c));
  c.set(0, y_type_, x);
  if (x_type_ == y_type_) c.allow_in_place(0, 0);
  Shape per_row = x;
  for (int d = axis_; d < x.rank(); ++d) per_row[d] = 1;
  for (int o : {s_.mean, s_.inv_std})
    if (o >= 0) c.set(o, DType::Float, per_row);
  if (s_.sum >= 0) c.set(s_.sum, x_type_, x);
  return {};
}

Status RowNorm::prepare(PrepareContext& c) {
  const Shape& x = c.shape(0);
  rows_ = x.elements(0, axis_);
  n_ = x.elements(axis_, x.rank());
  native_ = x_type_ == DType::Float && y_type_ == DType::Float;
  if (s_.residual >= 0) residual_rows_ = n_ > 0 ? c.shape(s_.residual).elements() / n_ : 0;
  slots_ = 0;
  const int operands[] = {s_.scale, s_.bias, s_.residual_bias};
  for (int k = 0; k < 3; ++k) {
    int i = operands[k];
    if (i < 0 || !c.has_input(i)) continue;
    direct_[k] = c.dtype(i) == DType::Float && c.shape(i).elements() == n_;
    if (direct_[k]) continue;
    slot_[k] = slots_;
    slots_ += round_up(n_, 16);
  }
  int64_t statistics = n_ > kLongRow ? long_moments_scratch(rows_, n_) : 0;
  copies_at_ = round_up(slots_ * int64_t(sizeof(float)) + statistics, 64);
  bool copies = !native_ && n_ > kLongRow && !(x_type_ == DType::Double && y_type_ == DType::Double);
  int64_t copied = copies ? ((s_.residual >= 0 ? 2 : 1) * rows_ + residual_rows_) * n_ * int64_t(sizeof(float)) : 0;
  c.need_shared_scratch(copies_at_ + copied);
  if (!native_ && !copies) c.need_scratch(3 * round_up(n_, 16) * int64_t(sizeof(float)));
  return {};
}

// Operand i as a row of float32; unfinished when the call must stop, which the next checkpoint tells.
const float* RowNorm::row_operand(OpRun& r, int i, int k) const {
  if (i < 0 || !r.has(i)) return nullptr;
  if (direct_[k]) return r.in<float>(i);
  float* row = r.shared_scratch<float>() + slot_[k];
  const Tensor& t = r.in(i);
  const Shape from = stripped(t.shape), &x = r.in(0).shape;
  Converter convert(t.dtype, DType::Float);
  int64_t size = dtype_size(t.dtype);
  auto in_tiles = [&](double ns, auto&& body) {
    (void)r.parallel(n_, ns, [&](int64_t begin, int64_t end, int) { body(begin, end); }).ok();
    return row;
  };
  if (t.elements() == n_)
    return in_tiles(0.5, [&](int64_t begin, int64_t end) { convert(t.as<char>() + begin * size, row + begin, end - begin); });
  if (t.elements() == 1) {
    float value;
    convert(t.data, &value, 1);
    return in_tiles(0.2, [&](int64_t begin, int64_t end) { std::fill(row + begin, row + end, value); });
  }
  return in_tiles(10, [&](int64_t begin, int64_t end) {
    for (int64_t e = begin; e < end; ++e) {
      int64_t rest = e, at = 0, step = 1;
      for (int d = 0; d < from.rank(); ++d) {
        int64_t dim = from[from.rank() - 1 - d], full = x[x.rank() - 1 - d];
        at += dim == 1 ? 0 : rest % full * step;
        rest /= full;
        step *= dim;
      }
      convert(t.as<char>() + at * size, row + e, 1);
    }
  });
}

NormRows RowNorm::arguments(OpRun& r) const {
  NormRows a{};
  a.n = size_t(n_);
  a.epsilon = epsilon_;
  a.scale = row_operand(r, s_.scale, 0);
  a.bias = row_operand(r, s_.bias, 1);
  a.residual_bias = row_operand(r, s_.residual_bias, 2);
  return a;
}

void RowNorm::float_rows(OpRun& r, NormRows a, int64_t begin, int64_t end) const {
  auto kernel = s_.center ? norm_kernels().layer_norm : norm_kernels().rms_norm;
  for (int64_t row = begin; row < end;) {
    int64_t stop = end;
    if (s_.residual >= 0) {
      int64_t from = row % residual_rows_;
      stop = std::min(end, row + residual_rows_ - from);
      a.residual = r.in<float>(s_.residual) + from * n_;
    }
    a.x = r.in<float>(0) + row * n_;
    a.y = r.out<float>(0) + row * n_;
    a.rows = size_t(stop - row);
    a.sum = s_.sum >= 0 && r.wants(s_.sum) ? r.out<float>(s_.sum) + row * n_ : nullptr;
    a.mean = s_.center && s_.mean >= 0 && r.wants(s_.mean) ? r.out<float>(s_.mean) + row : nullptr;
    a.inv_std = s_.inv_std >= 0 && r.wants(s_.inv_std) ? r.out<float>(s_.inv_std) + row : nullptr;
    kernel(a);
    row = stop;
  }
}

void RowNorm::converted_rows(OpRun& r, const NormRows& shared, int64_t begin, int64_t end, float* scratch) const {
  Converter load(x_type_, DType::Float), store(DType::Float, y_type_), store_sum(DType::Float, x_type_);
  auto kernel = s_.center ? norm_kernels().layer_norm : norm_kernels().rms_norm;
  int64_t size = dtype_size(x_type_);
  float *x = scratch, *residual = x + round_up(n_, 16), *sum = residual + round_up(n_, 16);
  for (int64_t row = begin; row < end; ++row) {
    NormRows a = shared;
    load(r.in<char>(0) + row * n_ * size, x, n_);
    a.x = a.y = x;
    a.rows = 1;
    if (s_.residual >= 0) {
      load(r.in<char>(s_.residual) + row % residual_rows_ * n_ * size, residual, n_);
      a.residual = residual;
      a.sum = sum;
    }
    float mean, inv_std;
    a.mean = s_.center ? &mean : nullptr;
    a.inv_std = &inv_std;
    kernel(a);
    store(x, r.out<char>(0) + row * n_ * dtype_size(y_type_), n_);
    if (s_.sum >= 0 && r.wants(s_.sum)) store_sum(sum, r.out<char>(s_.sum) + row * n_ * size, n_);
    if (s_.center && s_.mean >= 0 && r.wants(s_.mean)) r.out<float>(s_.mean)[row] = mean;
    if (s_.inv_std >= 0 && r.wants(s_.inv_std)) r.out<float>(s_.inv_std)[row] = inv_std;
  }
}

// float64 in and out; operands are float64 too, or converted by element.
void RowNorm::double_rows(OpRun& r, int64_t begin, int64_t end, int worker) const {
  auto operand = [&](int i, int64_t e, double other) {
    if (i < 0 || !r.has(i)) return other;
    const Tensor& t = r.in(i);
    const Shape from = stripped(t.shape), &x = r.in(0).shape;
    int64_t at = 0, step = 1;
    for (int d = 0; d < from.rank(); ++d) {
      int64_t dim = from[from.rank() - 1 - d], full = x[x.rank() - 1 - d];
      at += dim == 1 ? 0 : e % full * step;
      e /= full;
      step *= dim;
    }
    return number_at(t, at);
  };
  for (int64_t row = begin; row < end; ++row) {
    const double* x = r.in<double>(0) + row * n_;
    const double* residual = s_.residual >= 0 ? r.in<double>(s_.residual) + row % residual_rows_ * n_ : nullptr;
    double* y = r.out<double>(0) + row * n_;
    double* sum = s_.sum >= 0 && r.wants(s_.sum) ? r.out<double>(s_.sum) + row * n_ : nullptr;
    double mean = 0, square = 0;
    auto pieces = [&](auto&& fn) {
      return within_item(r, worker, n_, kDoublePiece, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) fn(i);
      });
    };
    if (!pieces([&](int64_t i) {
          y[i] = x[i] + (residual ? residual[i] + operand(s_.residual_bias, i, 0) : 0);
          if (sum) sum[i] = y[i];
          mean += y[i];
        }))
      return;
    mean = s_.center ? mean / double(n_) : 0;
    if (!pieces([&](int64_t i) { square += (y[i] - mean) * (y[i] - mean); })) return;
    double factor = 1 / std::sqrt(square / double(n_) + double(epsilon_));
    if (!pieces([&](int64_t i) { y[i] = (y[i] - mean) * factor * operand(s_.scale, i, 1) + operand(s_.bias, i, 0); })) return;
    if (s_.center && s_.mean >= 0 && r.wants(s_.mean)) r.out<float>(s_.mean)[row] = float(mean);
    if (s_.inv_std >= 0 && r.wants(s_.inv_std)) r.out<float>(s_.inv_std)[row] = float(factor);
  }
}

// x: rows_ rows of n_. `residual` may be null. `sum`, when it is not null, takes x + residual. y may be x.
Status RowNorm::long_rows(OpRun& r, const float* x, const float* residual, float* sum, float* y) const {
  NormRows a = arguments(r);
  int64_t blocks = ceil_div(n_, kBlock);
  auto each_block = [&](double ns, auto&& body) {
    return r.parallel(rows_ * blocks, ns * double(kBlock), [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) body(i / blocks, i % blocks * kBlock, std::min(kBlock, n_ - i % blocks * kBlock));
    });
  };
  if (residual) {
    if (!sum) sum = y;
    BinaryFn add = binary_kernel(ElementType::f32, BinaryOp::add, Broadcast::none);
    ENGINE_TRY(each_block(0.4, [&](int64_t row, int64_t at, int64_t n) {
      float* to = sum + row * n_ + at;
      add(x + row * n_ + at, residual + row % residual_rows_ * n_ + at, to, size_t(n));
      if (a.residual_bias) add(to, a.residual_bias + at, to, size_t(n));
    }));
    x = sum;
  }
  LongMoments moments{r.shared_scratch<float>() + slots_, rows_, n_};
  ENGINE_TRY(moments.compute(r, x, epsilon_, s_.center));
  for (int64_t row = 0; row < rows_; ++row) {
    if (s_.center && s_.mean >= 0 && r.wants(s_.mean)) r.out<float>(s_.mean)[row] = moments.mean()[row];
    if (s_.inv_std >= 0 && r.wants(s_.inv_std)) r.out<float>(s_.inv_std)[row] = moments.inv_std()[row];
  }
  return each_block(0.5, [&](int64_t row, int64_t at, int64_t n) {
    float* to = y + row * n_ + at;
    norm_kernels().scale_shift({x + row * n_ + at, to, 1, size_t(n), moments.mean() + row, moments.inv_std() + row, nullptr});
    norm_kernels().scale_shift_last({to, to, size_t(n), 1, nullptr, a.scale ? a.scale + at : nullptr, a.bias ? a.bias + at : nullptr});
  });
}

Status RowNorm::long_native_rows(OpRun& r) const {
  float* sum = s_.sum >= 0 && r.wants(s_.sum) ? r.out<float>(s_.sum) : nullptr;
  return long_rows(r, r.in<float>(0), s_.residual >= 0 ? r.in<float>(s_.residual) : nullptr, sum, r.out<float>(0));
}

// All rows as float32 copies.
Status RowNorm::long_converted_rows(OpRun& r) const {
  int64_t n = rows_ * n_;
  float *x = reinterpret_cast<float*>(r.shared_scratch() + copies_at_), *residual = s_.residual >= 0 ? x + n : nullptr;
  auto convert = [&](DType from, DType to, const void* in, void* out, int64_t count) {
    Converter converter(from, to);
    return r.parallel(count, 1, [&](int64_t begin, int64_t end, int) {
      converter(static_cast<const char*>(in) + begin * dtype_size(from), static_cast<char*>(out) + begin * dtype_size(to), end - begin);
    });
  };
  ENGINE_TRY(convert(x_type_, DType::Float, r.in(0).data, x, n));
  if (residual) ENGINE_TRY(convert(x_type_, DType::Float, r.in(s_.residual).data, residual, residual_rows_ * n_));
  bool shows_sum = s_.sum >= 0 && r.wants(s_.sum);
  float* sum = shows_sum ? residual + residual_rows_ * n_ : nullptr;
  ENGINE_TRY(long_rows(r, x, residual, sum, x));
  if (shows_sum) ENGINE_TRY(convert(DType::Float, x_type_, sum, r.out(s_.sum).data, n));
  return convert(DType::Float, y_type_, x, r.out(0).data, n);
}

Status RowNorm::run(OpRun& r) const {
  if (rows_ == 0 || n_ == 0) return {};
  if (x_type_ == DType::Double && y_type_ == DType::Double)
    return r.parallel(rows_, 30 * double(n_), [&](int64_t begin, int64_t end, int worker) { double_rows(r, begin, end, worker); });
  if (n_ > kLongRow) return native_ ? long_native_rows(r) : long_converted_rows(r);
  NormRows a = arguments(r);
  double ns = 10 + (native_ ? kNs : 3 * kNs) * double(n_);
  return r.parallel(rows_, ns, [&](int64_t begin, int64_t end, int worker) {
    if (native_) float_rows(r, a, begin, end);
    else converted_rows(r, a, begin, end, r.scratch<float>(worker));
  });
}

}  // namespace engine

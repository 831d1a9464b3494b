#include "ops/softmax/softmax_op.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/reduce/reduce.h"
#include "kernels/softmax/softmax.h"
#include "ops/elementwise/element_type.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr int64_t kLongRow = 1 << 16;  // rows above this are cut into blocks
constexpr int64_t kBlock = 16384;
constexpr int64_t kPiece = 4096;       // elements between two looks at the clock in a long run
constexpr int64_t kLongColumn = 512;   // rows of a block; columns above four of them are cut
constexpr int64_t kStrip = 64;         // columns of one item
constexpr double kNs = 0.7;            // an element's exponential and its share of the sums
constexpr double kStepwiseNs = 6;      // the same, rounded at each step

// One run of `n` elements `stride` apart. pieces(fn): fn(begin, end) over [0, n); false when it stopped.
template <class Pieces>
void softmax_run(const double* x, double* y, int64_t stride, bool log, Pieces&& pieces) {
  double top = -INFINITY, total = 0;
  bool went_on = pieces([&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) top = x[i * stride] > top || x[i * stride] != x[i * stride] ? x[i * stride] : top;
  });
  went_on = went_on && pieces([&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) total += std::exp(x[i * stride] - top);
  });
  if (!went_on) return;
  double shift = std::log(total);
  pieces([&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      double d = x[i * stride] - top;
      y[i * stride] = log ? d - shift : std::exp(d) / total;
    }
  });
}

}  // namespace

Status SoftmaxOp::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, dtypes::kFloats));
  c.set(0, c.type(0));
  c.allow_in_place(0, 0);
  if (!c.has_rank(0)) return {};
  bool flat = c.opset() < 13;
  int rank = c.shape(0).rank();
  int64_t axis = c.attr_int("axis", flat ? 1 : -1);
  if (flat && axis == rank) axis_ = rank;
  else {
    ENGINE_ASSIGN(axis_, normalize_axis(axis, rank));
  }
  end_ = flat ? rank : axis_ + 1;
  return {};
}

Status SoftmaxOp::prepare(PrepareContext& c) {
  const Shape& in = c.shape(0);
  outer_ = in.elements(0, axis_);
  length_ = in.elements(axis_, end_);
  inner_ = in.elements(end_, in.rank());
  blocks_ = inner_ == 1 && length_ > kLongRow ? ceil_div(length_, kBlock) : 1;
  column_blocks_ = length_ > 4 * kLongColumn ? ceil_div(length_, kLongColumn) : 1;
  DType dtype = c.dtype(0);
  bool in_floats = dtype == DType::Float || (is_half_width(dtype) && log_);
  int64_t partials = columns_are_long() && in_floats ? 2 * outer_ * inner_ * (column_blocks_ + 1) * int64_t(sizeof(float)) : blocks_ > 1 ? outer_ * (blocks_ + 2) * int64_t(sizeof(float)) : 0, copy = 0;
  if (is_half_width(dtype)) {
    load_ = Converter(dtype, DType::Float);
    store_ = Converter(DType::Float, dtype);
    if (!log_) steps_ = StepwiseSoftmax(dtype);
    strip_ = inner_ == 1 ? 1 : std::clamp<int64_t>(kLongRow / std::max<int64_t>(length_, 1), 1, 16);
    if (copies()) copy = round_up(in.elements() * int64_t(sizeof(float)), 64);
    else c.need_scratch(length_ * strip_ * int64_t(sizeof(float)));
  }
  c.need_shared_scratch(copy + partials);
  return {};
}

Status SoftmaxOp::rows(OpRun& r, const float* x, float* y) const {
  auto kernel = log_ ? softmax_kernels().log_softmax_rows : softmax_kernels().softmax_rows;
  return r.parallel(outer_, 8 + kNs * double(length_), [&](int64_t begin, int64_t end, int) {
    kernel({x + begin * length_, y + begin * length_, size_t(end - begin), size_t(length_)});
  });
}

// Exponentials of `steps` rows of `width` columns, rows inner_ apart, into y (not for LogSoftmax), and their sums.
void SoftmaxOp::sum_block(const float* x, float* y, const float* top, float* total, int64_t steps, int64_t width) const {
  BinaryFn subtract = binary_kernel(ElementType::f32, BinaryOp::sub, Broadcast::none);
  BinaryFn add = binary_kernel(ElementType::f32, BinaryOp::add, Broadcast::none);
  UnaryFn exp = unary_kernel(ElementType::f32, UnaryOp::exp);
  float kept[kStrip];
  std::fill_n(total, width, 0.0f);
  for (int64_t i = 0; i < steps; ++i) {
    float* to = log_ ? kept : y + i * inner_;
    subtract(x + i * inner_, top, to, size_t(width));
    exp(to, to, size_t(width), {});
    add(total, to, total, size_t(width));
  }
}

// Columns in blocks of rows: maxima, exponentials and their sums, then the quotients.
Status SoftmaxOp::long_columns(OpRun& r, const float* x, float* y) const {
  int64_t strips = ceil_div(inner_, kStrip), columns = outer_ * inner_, blocks = column_blocks_;
  int64_t copied = is_half_width(r.in(0).dtype) ? round_up(outer_ * length_ * inner_ * int64_t(sizeof(float)), 64) : 0;
  float *top = reinterpret_cast<float*>(r.shared_scratch() + copied), *total = top + columns, *tops = total + columns, *totals = tops + columns * blocks;
  // body(partial's place, column's place, element's place, rows, columns) for each block of each strip.
  auto each_block = [&](double ns, auto&& body) {
    double width = double(std::max<int64_t>(16, std::min(inner_, kStrip)));
    return r.parallel(outer_ * blocks * strips, ns * double(kLongColumn) * width, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t strip = i % strips * kStrip, block = i / strips % blocks, outer = i / strips / blocks;
        body((outer * blocks + block) * inner_ + strip, outer * inner_ + strip, (outer * length_ + block * kLongColumn) * inner_ + strip,
             std::min(kLongColumn, length_ - block * kLongColumn), std::min(kStrip, inner_ - strip));
      }
    });
  };
  auto merge = [&](BinaryOp op, const float* parts, float* to) {
    BinaryFn fn = binary_kernel(ElementType::f32, op, Broadcast::none);
    return r.parallel(outer_ * strips, double(kStrip) * double(blocks), [&, fn](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t outer = i / strips, strip = i % strips * kStrip, width = std::min(kStrip, inner_ - strip);
        float* into = to + outer * inner_ + strip;
        std::copy_n(parts + outer * blocks * inner_ + strip, width, into);
        for (int64_t b = 1; b < blocks; ++b) fn(into, parts + (outer * blocks + b) * inner_ + strip, into, size_t(width));
      }
    });
  };
  BinaryFn larger = binary_kernel(ElementType::f32, BinaryOp::max, Broadcast::none);
  ENGINE_TRY(each_block(0.2, [&](int64_t part, int64_t, int64_t at, int64_t steps, int64_t width) {
    std::copy_n(x + at, width, tops + part);
    for (int64_t i = 1; i < steps; ++i) larger(tops + part, x + at + i * inner_, tops + part, size_t(width));
  }));
  ENGINE_TRY(merge(BinaryOp::max, tops, top));
  ENGINE_TRY(each_block(0.8, [&](int64_t part, int64_t column, int64_t at, int64_t steps, int64_t width) {
    sum_block(x + at, y + at, top + column, totals + part, steps, width);
  }));
  ENGINE_TRY(merge(BinaryOp::add, totals, total));
  BinaryFn subtract = binary_kernel(ElementType::f32, BinaryOp::sub, Broadcast::none);
  BinaryFn divide = binary_kernel(ElementType::f32, BinaryOp::div, Broadcast::none);
  return each_block(0.4, [&](int64_t, int64_t column, int64_t at, int64_t steps, int64_t width) {
    float shift[kStrip];
    for (int64_t j = 0; j < width && log_; ++j) shift[j] = std::log(total[column + j]);
    for (int64_t i = 0; i < steps; ++i, at += inner_) {
      if (!log_) divide(y + at, total + column, y + at, size_t(width));
      if (log_) subtract(x + at, top + column, y + at, size_t(width));
      if (log_) subtract(y + at, shift, y + at, size_t(width));
    }
  });
}

Status SoftmaxOp::columns(OpRun& r, const float* x, float* y) const {
  if (columns_are_long()) return long_columns(r, x, y);
  auto kernel = log_ ? softmax_kernels().log_softmax_columns : softmax_kernels().softmax_columns;
  int64_t strips = ceil_div(inner_, kStrip);
  double width = double(std::max<int64_t>(16, std::min(inner_, kStrip)));
  return r.parallel(outer_ * strips, 20 + 1.5 * kNs * double(length_) * width, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t column = i % strips * kStrip, at = i / strips * length_ * inner_ + column;
      kernel({x + at, y + at, size_t(length_), size_t(inner_), size_t(std::min(kStrip, inner_ - column))});
    }
  });
}

// Rows in blocks: maxima, sums of exponentials, then the quotients. y is x for half floats.
Status SoftmaxOp::long_rows(OpRun& r, const float* x, float* y) const {
  const ReduceKernels& k = reduce_kernels();
  int64_t copied = is_half_width(r.in(0).dtype) ? round_up(outer_ * length_ * int64_t(sizeof(float)), 64) : 0;
  float* partial = reinterpret_cast<float*>(r.shared_scratch() + copied);
  float *top = partial + outer_ * blocks_, *total = top + outer_;
  auto each_block = [&](double ns, auto&& body) {
    return r.parallel(outer_ * blocks_, ns * double(kBlock), [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t row = i / blocks_, first = i % blocks_ * kBlock;
        body(i, row, row * length_ + first, std::min(kBlock, length_ - first));
      }
    });
  };
  auto each_row = [&](ReduceOp op, float* to) {
    return r.parallel(outer_, 0.2 * double(blocks_), [&](int64_t begin, int64_t end, int) {
      k.rows[int(op)](partial + begin * blocks_, size_t(end - begin), size_t(blocks_), to + begin);
    });
  };
  ENGINE_TRY(each_block(0.1, [&](int64_t i, int64_t, int64_t at, int64_t n) { k.rows[int(ReduceOp::max)](x + at, 1, size_t(n), partial + i); }));
  ENGINE_TRY(each_row(ReduceOp::max, top));
  if (!log_ && is_half_width(r.in(0).dtype)) {
    ENGINE_TRY(each_block(kStepwiseNs, [&](int64_t i, int64_t row, int64_t at, int64_t n) {
      steps_.exponentials(y + at, n, top[row]);
      partial[i] = steps_.sum(y + at, n);
    }));
    ENGINE_TRY(each_row(ReduceOp::sum, total));
    return each_block(1, [&](int64_t, int64_t row, int64_t at, int64_t n) { steps_.quotients(y + at, n, total[row]); });
  }
  ENGINE_TRY(each_block(0.5, [&](int64_t i, int64_t row, int64_t at, int64_t n) { k.sum_exp_rows(x + at, top + row, 1, size_t(n), partial + i); }));
  ENGINE_TRY(each_row(ReduceOp::sum, total));
  BinaryFn subtract = binary_kernel(ElementType::f32, BinaryOp::sub, Broadcast::scalar_right);
  BinaryFn divide = binary_kernel(ElementType::f32, BinaryOp::div, Broadcast::scalar_right);
  UnaryFn exp = unary_kernel(ElementType::f32, UnaryOp::exp);
  return each_block(0.8, [&](int64_t, int64_t row, int64_t at, int64_t n) {
    float shift = std::log(total[row]);
    subtract(x + at, top + row, y + at, size_t(n));
    if (log_) return subtract(y + at, &shift, y + at, size_t(n));
    exp(y + at, y + at, size_t(n), {});
    divide(y + at, total + row, y + at, size_t(n));
  });
}

Status SoftmaxOp::half_rows(OpRun& r) const {
  const uint16_t* x = r.in<uint16_t>(0);
  uint16_t* y = r.out<uint16_t>(0);
  return r.parallel(outer_, 20 + (log_ ? 1.5 * kNs : kStepwiseNs) * double(length_), [&](int64_t begin, int64_t end, int worker) {
    float* row = r.scratch<float>(worker);
    for (int64_t i = begin * length_; i < end * length_; i += length_) {
      load_(x + i, row, length_);
      if (log_) softmax_kernels().log_softmax_rows({row, row, 1, size_t(length_)});
      else steps_.row(row, length_);
      store_(row, y + i, length_);
    }
  });
}

// steps_.row with looks at the clock; false when it stopped.
bool SoftmaxOp::stepwise_row(OpRun& r, int worker, float* row) const {
  if (length_ <= kPiece) {
    steps_.row(row, length_);
    return true;
  }
  float top = 0;
  reduce_kernels().rows[int(ReduceOp::max)](row, 1, size_t(length_), &top);
  if (!within_item(r, worker, length_, kPiece, [&](int64_t first, int64_t last) { steps_.exponentials(row + first, last - first, top); }))
    return false;
  float total = steps_.sum(row, length_);
  return within_item(r, worker, length_, kPiece, [&](int64_t first, int64_t last) { steps_.quotients(row + first, last - first, total); });
}

// Strips of columns, moved into rows.
Status SoftmaxOp::half_columns(OpRun& r) const {
  const uint16_t* x = r.in<uint16_t>(0);
  uint16_t* y = r.out<uint16_t>(0);
  int64_t strips = ceil_div(inner_, strip_);
  double ns = 20 + (kStepwiseNs + 4) * double(length_) * double(std::min(strip_, inner_));
  return r.parallel(outer_ * strips, ns, [&](int64_t begin, int64_t end, int worker) {
    float* rows = r.scratch<float>(worker);
    for (int64_t item = begin; item < end; ++item) {
      int64_t column = item % strips * strip_, at = item / strips * length_ * inner_ + column;
      int64_t width = std::min(strip_, inner_ - column);
      float wide[16];
      uint16_t narrow[16];
      bool went_on = within_item(r, worker, length_, kPiece, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) {
          load_(x + at + i * inner_, wide, width);
          for (int64_t j = 0; j < width; ++j) rows[j * length_ + i] = wide[j];
        }
      });
      for (int64_t j = 0; j < width && went_on; ++j) went_on = stepwise_row(r, worker, rows + j * length_);
      if (!went_on) return;
      within_item(r, worker, length_, kPiece, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; ++i) {
          for (int64_t j = 0; j < width; ++j) wide[j] = rows[j * length_ + i];
          store_(wide, narrow, width);
          std::memcpy(y + at + i * inner_, narrow, size_t(width) * sizeof(uint16_t));
        }
      });
    }
  });
}

Status SoftmaxOp::halves(OpRun& r) const {
  if (!copies()) return inner_ == 1 ? half_rows(r) : half_columns(r);
  const uint16_t* x = r.in<uint16_t>(0);
  uint16_t* y = r.out<uint16_t>(0);
  float* copy = r.shared_scratch<float>();
  int64_t n = outer_ * length_ * inner_;
  ENGINE_TRY(r.parallel(n, 0.5, [&](int64_t begin, int64_t end, int) { load_(x + begin, copy + begin, end - begin); }));
  ENGINE_TRY(inner_ > 1 ? columns(r, copy, copy) : long_rows(r, copy, copy));
  return r.parallel(n, 0.5, [&](int64_t begin, int64_t end, int) { store_(copy + begin, y + begin, end - begin); });
}

Status SoftmaxOp::doubles(OpRun& r) const {
  return r.parallel(outer_ * inner_, 20 + 12 * double(length_), [&](int64_t begin, int64_t end, int worker) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t at = i / inner_ * length_ * inner_ + i % inner_;
      softmax_run(r.in<double>(0) + at, r.out<double>(0) + at, inner_, log_,
                  [&](auto&& fn) { return within_item(r, worker, length_, kPiece, fn); });
    }
  });
}

Status SoftmaxOp::run(OpRun& r) const {
  if (outer_ * length_ * inner_ == 0) return {};
  DType dtype = r.in(0).dtype;
  if (dtype == DType::Double) return doubles(r);
  if (dtype != DType::Float) return halves(r);
  const float* x = r.in<float>(0);
  float* y = r.out<float>(0);
  if (inner_ > 1) return columns(r, x, y);
  return blocks_ > 1 ? long_rows(r, x, y) : rows(r, x, y);
}

}  // namespace engine

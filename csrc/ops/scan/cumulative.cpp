#include "ops/scan/cumulative.h"

#include <algorithm>
#include <cstring>

#include "ops/elementwise/element_type.h"

namespace engine {
namespace {

constexpr DTypeSet kTypes = dtypes::kFloats | dtype_set(DType::Int32, DType::Int64, DType::Uint32, DType::Uint64);
using Computed = TypeList<float, double, uint32_t, uint64_t>;

// The type whose arithmetic gives the same bits: signed sums and products wrap as unsigned ones.
DType arithmetic_type(DType d) {
  if (d == DType::Int32) return DType::Uint32;
  return d == DType::Int64 ? DType::Uint64 : d;
}

// A running total over a row, which goes on from call to call.
template <class T>
void scan(BinaryOp op, bool exclusive, int64_t step, const T* x, T* y, int64_t n, T& total) {
  for (int64_t i = 0; i < n; ++i, x += step, y += step) {
    T next = op == BinaryOp::add ? T(total + *x) : T(total * *x);
    *y = exclusive ? total : next;
    total = next;
  }
}

}  // namespace

Status Cumulative::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, kTypes));
  ENGINE_TRY(c.require(1, dtypes::kIndex));
  if (c.known(1) && c.shape(1).elements() != 1)
    return error(Code::InvalidModel, "axis has shape %s; a scalar is allowed", c.shape(1).text().c_str());
  exclusive_ = c.attr_int("exclusive", 0) != 0;
  reverse_ = c.attr_int("reverse", 0) != 0;
  c.set(0, c.type(0));
  return {};
}

Status Cumulative::prepare(PrepareContext& c) {
  DType dtype = c.dtype(0);
  computed_ = is_half_width(dtype) ? DType::Float : dtype;
  load_ = Converter(dtype, computed_);
  store_ = Converter(computed_, dtype);
  int64_t unit = op_ == BinaryOp::add ? 0 : 1;
  Converter(DType::Int64, dtype)(&unit, unit_, 1);
  combine_ = binary_kernel(element_type(computed_), op_, Broadcast::none);
  return {};
}

Result<int> Cumulative::axis(OpRun& r) const {
  return normalize_axis(integer_at(r.in(1), 0), r.in(0).shape.rank());
}

// Rows of contiguous elements, each scanned by one worker; a long row in pieces with a checkpoint between them.
Status Cumulative::over_rows(OpRun& r, int64_t outer, int64_t length) const {
  const Tensor& x = r.in(0);
  Tensor& y = r.out(0);
  int64_t size = dtype_size(x.dtype);
  bool converts = computed_ != x.dtype;
  auto piece = [&]<class T>(int64_t row, int64_t begin, int64_t end, T& total) {
    T block[kConvertBlock];
    for (int64_t i = begin; i < end; i += kConvertBlock) {
      int64_t n = std::min(kConvertBlock, end - i);
      int64_t at = row * length + (reverse_ ? length - i - n : i);
      int64_t first = reverse_ ? n - 1 : 0, step = reverse_ ? -1 : 1;
      const T* from = x.as<T>() + at;
      T* to = y.as<T>() + at;
      if (converts) {
        load_(x.as<char>() + at * size, block, n);
        from = to = block;
      }
      scan<T>(op_, exclusive_, step, from + first, to + first, n, total);
      if (converts) store_(block, y.as<char>() + at * size, n);
    }
  };
  constexpr int64_t kPiece = 32768;
  const double ns = 1.5;
  Status status;
  visit_dtype(Computed{}, arithmetic_type(computed_), [&]<class T>() {
    T start = T(op_ == BinaryOp::add ? 0 : 1);
    if (length <= kPiece) {
      status = r.parallel(outer, ns * double(length), [&](int64_t begin, int64_t end, int) {
        for (int64_t row = begin; row < end; ++row) {
          T total = start;
          piece.template operator()<T>(row, 0, length, total);
        }
      });
      return;
    }
    for (int64_t row = 0; row < outer && status.ok(); ++row) {
      T total = start;
      for (int64_t i = 0; i < length && status.ok(); i += kPiece) {
        piece.template operator()<T>(row, i, std::min(i + kPiece, length), total);
        status = r.checkpoint();
      }
    }
  });
  return status;
}

// Planes [begin, end) of a strip of columns, in order of accumulation, each from the one before.
void Cumulative::planes(const Strip& s, int64_t begin, int64_t end) const {
  for (int64_t k = begin; k < end; ++k) {
    char* y = s.y + s.plane(k);
    if (k > 0) combine_(s.y + s.plane(k - 1), s.x + s.plane(exclusive_ ? k - 1 : k), y, size_t(s.width));
    else if (!exclusive_) std::memcpy(y, s.x + s.plane(0), size_t(s.width * s.size));
    else for (int64_t i = 0; i < s.width; ++i) std::memcpy(y + i * s.size, unit_, size_t(s.size));
  }
}

// The same with totals in float32.
void Cumulative::converted_planes(const Strip& s, int64_t begin, int64_t end, float* total) const {
  float term[kStrip];
  if (begin == 0) std::fill_n(total, s.width, op_ == BinaryOp::add ? 0.0f : 1.0f);
  for (int64_t k = begin; k < end; ++k) {
    load_(s.x + s.plane(k), term, s.width);
    if (exclusive_) store_(total, s.y + s.plane(k), s.width);
    combine_(total, term, total, size_t(s.width));
    if (!exclusive_) store_(total, s.y + s.plane(k), s.width);
  }
}

// Planes of `inner` contiguous elements are combined one after the other; columns are independent of each other.
Status Cumulative::over_planes(OpRun& r, int64_t outer, int64_t length, int64_t inner) const {
  int64_t strips = (inner + kStrip - 1) / kStrip, size = dtype_size(r.in(0).dtype);
  bool converts = computed_ != r.in(0).dtype;
  auto strip_at = [&](int64_t i) {
    int64_t column = i % strips * kStrip, first = (i / strips * length * inner + column) * size, step = inner * size;
    if (reverse_) first += (length - 1) * step;
    return Strip{r.in<char>(0) + first, r.out<char>(0) + first, reverse_ ? -step : step, std::min(kStrip, inner - column), size};
  };
  double ns = (converts ? 3.0 : 0.5) * double(std::min(kStrip, inner)) + 20;
  int64_t piece = std::max<int64_t>(1, int64_t(kTileNs / ns));
  auto run_strip = [&](int64_t i, int64_t begin, int64_t end, float* total) {
    if (converts) converted_planes(strip_at(i), begin, end, total);
    else planes(strip_at(i), begin, end);
  };
  if (length <= piece)
    return r.parallel(outer * strips, ns * double(length), [&](int64_t begin, int64_t end, int) {
      float total[kStrip];
      for (int64_t i = begin; i < end; ++i) run_strip(i, 0, length, total);
    });
  for (int64_t i = 0; i < outer * strips; ++i) {
    float total[kStrip];
    for (int64_t k = 0; k < length; k += piece) {
      run_strip(i, k, std::min(k + piece, length), total);
      ENGINE_TRY(r.checkpoint());
    }
  }
  return {};
}

Status Cumulative::run(OpRun& r) const {
  const Shape& shape = r.in(0).shape;
  if (shape.rank() == 0) return error(Code::InvalidModel, "a scalar has no axis to accumulate along");
  ENGINE_ASSIGN(int a, axis(r));
  if (shape.elements() == 0) return {};
  int64_t outer = shape.elements(0, a), inner = shape.elements(a + 1, shape.rank());
  return inner == 1 ? over_rows(r, outer, shape[a]) : over_planes(r, outer, shape[a], inner);
}

}  // namespace engine

#include "ops/elementwise/convert.h"

#include <algorithm>
#include <cstring>

#include "ops/elementwise/element_type.h"

namespace engine {
namespace {

void double_to_float_odd(const void* x, void* y, size_t n) {
  for (size_t i = 0; i < n; ++i) static_cast<float*>(y)[i] = round_to_odd(static_cast<const double*>(x)[i]);
}

// The type with kernels through which a dtype is read and written.
DType kernel_type(DType d) {
  if (is_small_float(d)) return DType::Float;
  if (d == DType::Int4 || d == DType::Int2) return DType::Int8;
  if (d == DType::Uint4 || d == DType::Uint2) return DType::Uint8;
  return d;
}

// x of type `dtype` to y of kernel_type(dtype).
void load(DType dtype, const void* x, void* y, int64_t n) {
  const auto* bytes = static_cast<const uint8_t*>(x);
  if (is_small_float(dtype)) {
    const float* values = small_float_values(dtype);
    auto* floats = static_cast<float*>(y);
    for (int64_t i = 0; i < n; ++i) floats[i] = values[bytes[i]];
    return;
  }
  int bits = dtype_file_bits(dtype), mask = (1 << bits) - 1;
  int sign = dtype == DType::Int4 || dtype == DType::Int2 ? 1 << (bits - 1) : 0;
  auto* to = static_cast<uint8_t*>(y);
  for (int64_t i = 0; i < n; ++i) to[i] = uint8_t(((bytes[i] & mask) ^ sign) - sign);
}

// x of kernel_type(dtype) to y of type `dtype`.
void store(DType dtype, SmallFloatRounding rounding, const void* x, void* y, int64_t n) {
  auto* bytes = static_cast<uint8_t*>(y);
  if (is_small_float(dtype)) return to_small_float(dtype, rounding, static_cast<const float*>(x), bytes, n);
  uint8_t mask = uint8_t((1 << dtype_file_bits(dtype)) - 1);
  for (int64_t i = 0; i < n; ++i) bytes[i] = static_cast<const uint8_t*>(x)[i] & mask;
}

}  // namespace

Converter::Converter(DType from, DType to, SmallFloatRounding rounding)
    : from_(from), to_(to), load_(kernel_type(from)), store_(kernel_type(to)), rounding_(rounding) {
  if (load_ == DType::Double && is_small_float(to)) middle_ = double_to_float_odd;
  else if (load_ != store_) middle_ = convert_kernel(element_type(load_), element_type(store_));
  if (from_ != load_) ns_ += 1;
  if (to_ != store_) ns_ += is_small_float(to_) ? 5.0 : 0.5;
}

void Converter::operator()(const void* x, void* y, int64_t n) const {
  if (from_ == to_) {
    if (n > 0 && x != y) std::memcpy(y, x, size_t(n * dtype_size(from_)));
    return;
  }
  if (from_ == load_ && to_ == store_) return middle_(x, y, size_t(n));
  alignas(64) char loaded[kConvertBlock * 8], middle[kConvertBlock * 8];
  for (int64_t i = 0; i < n; i += kConvertBlock) {
    int64_t m = std::min(kConvertBlock, n - i);
    const void* at = static_cast<const char*>(x) + i * dtype_size(from_);
    void* to = static_cast<char*>(y) + i * dtype_size(to_);
    bool stores = to_ != store_;
    if (from_ != load_) {
      void* target = middle_ || stores ? loaded : to;
      load(from_, at, target, m);
      at = target;
    }
    if (middle_) {
      void* target = stores ? middle : to;
      middle_(at, target, size_t(m));
      at = target;
    }
    if (stores) store(to_, rounding_, at, to, m);
  }
}

}  // namespace engine

#include "ops/recurrent/weights.h"

#include <algorithm>

#include "base/checked.h"
#include "base/isa.h"
#include "ops/product/product.h"
#include "ops/quantize/dynamic_scale.h"
#include "ops/quantize/quantizer.h"

namespace engine {
namespace {

constexpr double kMacsPerNs = 20, kByteMacsPerNs = 60;

GemmType gemm_type(DType d) {
  return d == DType::Float16 ? GemmType::f16 : d == DType::BFloat16 ? GemmType::bf16 : GemmType::f32;
}

ByteType byte_type(DType d) { return d == DType::Int8 ? ByteType::s8 : ByteType::u8; }

int64_t take(int64_t* shared, int64_t bytes) {
  int64_t at = *shared;
  *shared += round_up(bytes, 64);
  return at;
}

}  // namespace

Status RecurrentWeights::prepare(PrepareContext& c, const Source& source, int64_t m, int64_t* shared) {
  s_ = source;
  m_ = m;
  dtype_ = c.dtype(source.position);
  kernels_ = &gemm_kernels();
  byte_kernels_ = &gemm_int8_kernels();
  size_t bytes = s_.as_bytes ? byte_kernels_->packed_b_bytes(s_.n, s_.k) : kernels_->packed_b_bytes(s_.n, s_.k);
  packed_bytes_ = round_up(int64_t(bytes), 64);
  if (c.is_constant(s_.position)) ENGINE_TRY(pack(c));
  else packed_at_ = take(shared, packed_bytes_ * s_.directions);
  const GemmBlocking& blocking = s_.as_bytes ? byte_kernels_->blocking : kernels_->blocking;
  tiling_ = gemm_tiling(blocking, m, s_.n, s_.k, c.threads(), s_.as_bytes, false);
  c.need_scratch(int64_t(tiling_.scratch_bytes));
  if (!s_.as_bytes) return {};
  c.need_scratch(dynamic_scale_scratch());
  quantized_at_ = take(shared, s_.directions * m * s_.k);
  dynamic_at_ = take(shared, s_.directions * int64_t(sizeof(DynamicScale)));
  scales_at_ = take(shared, s_.directions * s_.n * 12);
  for (int i : {s_.scale, s_.scale + 1}) {
    if (!c.has_input(i)) continue;
    int64_t have = c.shape(i).elements();
    if (have != s_.directions && have != s_.directions * s_.columns)
      return error(Code::InvalidModel, "input %d has shape %s; one value for each direction or each column is wanted", i, c.shape(i).text().c_str());
  }
  return {};
}

void RecurrentWeights::pack_direction(int64_t direction, const Tensor& source, char* memory) const {
  const char* data = source.as<char>() + (direction * s_.columns * s_.k) * dtype_size(dtype_);
  char* to = memory + direction * packed_bytes_;
  if (s_.as_bytes) {
    int64_t panels = ceil_div(s_.n, byte_kernels_->blocking.panel);
    byte_kernels_->pack_b(data + s_.begin, byte_type(dtype_), s_.columns, 1, s_.n, s_.k, 0, panels, to);
  } else {
    int64_t panels = ceil_div(s_.n, kernels_->blocking.panel);
    kernels_->pack_b({data + s_.begin * s_.k * dtype_size(dtype_), gemm_type(dtype_), 1, s_.k}, s_.n, s_.k, 0, panels, to);
  }
}

Status RecurrentWeights::pack(PrepareContext& c) {
  std::string kind = format("recurrent %s %s %lld %lldx%lld from %lld, %lld", s_.as_bytes ? "bytes" : "floats", isa_name(active_isa()),
                            (long long)s_.directions, (long long)s_.columns, (long long)s_.k, (long long)s_.begin, (long long)s_.n);
  const Tensor& source = *c.value(s_.position);
  ENGINE_ASSIGN(packed_, c.pack(s_.position, kind, packed_bytes_ * s_.directions, [&](char* memory) {
    for (int64_t d = 0; d < s_.directions; ++d) pack_direction(d, source, memory);
  }));
  return {};
}

Status RecurrentWeights::begin(OpRun& r) const {
  if (!packed_) {
    double ns = double(s_.n) * double(s_.k);
    ENGINE_TRY(r.parallel(s_.directions, ns, [&](int64_t begin, int64_t end, int) {
      for (int64_t d = begin; d < end; ++d) pack_direction(d, r.in(s_.position), r.shared_scratch() + packed_at_);
    }));
  }
  if (!s_.as_bytes) return {};
  float* scales = reinterpret_cast<float*>(r.shared_scratch() + scales_at_);
  int32_t* zeros = reinterpret_cast<int32_t*>(scales + s_.directions * s_.n);
  for (int64_t d = 0; d < s_.directions; ++d)
    for (int64_t j = 0; j < s_.n; ++j) {
      auto at = [&](int position) {
        int64_t each = r.in(position).elements() / s_.directions;
        return d * each + (each == 1 ? 0 : s_.begin + j);
      };
      scales[d * s_.n + j] = float(number_at(r.in(s_.scale), at(s_.scale)));
      zeros[d * s_.n + j] = r.has(s_.scale + 1) ? int32_t(integer_at(r.in(s_.scale + 1), at(s_.scale + 1))) : 0;
    }
  return {};
}

Status RecurrentWeights::quantize(OpRun& r, const Operands& o) const {
  DynamicScale* scales = reinterpret_cast<DynamicScale*>(r.shared_scratch() + dynamic_at_);
  uint8_t* bytes = r.shared_scratch<uint8_t>() + quantized_at_;
  Quantizer quantizer(DType::Float, DType::Uint8, DType::Float, true);
  const float* scale = reinterpret_cast<float*>(r.shared_scratch() + scales_at_);
  float* both = reinterpret_cast<float*>(r.shared_scratch() + scales_at_) + 2 * s_.directions * s_.n;
  int64_t n = m_ * s_.k;
  for (int64_t d = 0; d < s_.directions; ++d) {
    const float* a = o.a + d * o.a_direction;
    ENGINE_TRY(dynamic_scale(r, a, o.range_rows * s_.k, &scales[d]));
    for (int64_t j = d * s_.n; j < (d + 1) * s_.n; ++j) both[j] = scales[d].scale * scale[j];
    ENGINE_TRY(r.parallel(n, 1.0, [&](int64_t begin, int64_t end, int) {
      const float* zero = scales[d].zero != 0 ? &scales[d].zero : nullptr;
      quantizer(a + begin, QuantScales{&scales[d].scale, zero, false}, bytes + d * m_ * s_.k + begin, end - begin);
    }));
  }
  return {};
}

void RecurrentWeights::run_float(OpRun& r, const Operands& o, const char* packed, int64_t d, int64_t tile, int64_t step, int worker) const {
  GemmF32 g{};
  g.m = m_, g.n = s_.n, g.k = s_.k;
  g.alpha = 1;
  g.a = o.a + d * o.a_direction, g.a_row = s_.k, g.a_col = 1;
  g.packed_b = packed + d * packed_bytes_;
  g.c = o.c + d * o.c_direction, g.c_stride = o.c_row;
  g.epilogue.column_bias = o.bias ? o.bias + d * s_.n : nullptr;
  kernels_->run(g, gemm_tile(tiling_, tile, step), r.scratch(worker));
}

void RecurrentWeights::run_bytes(OpRun& r, const Operands& o, const char* packed, int64_t d, int64_t tile, int64_t step, int worker) const {
  const DynamicScale& dynamic = reinterpret_cast<DynamicScale*>(r.shared_scratch() + dynamic_at_)[d];
  const float* scales = reinterpret_cast<float*>(r.shared_scratch() + scales_at_);
  const int32_t* zeros = reinterpret_cast<const int32_t*>(scales + s_.directions * s_.n);
  GemmInt8 g{};
  g.m = m_, g.n = s_.n, g.k = s_.k;
  g.a = r.shared_scratch<uint8_t>() + quantized_at_ + d * m_ * s_.k, g.a_type = ByteType::u8;
  g.a_row = s_.k, g.a_col = 1, g.a_zero = int32_t(dynamic.zero);
  g.b_type = byte_type(dtype_), g.packed_b = packed + d * packed_bytes_, g.b_zeros = zeros + d * s_.n;
  g.c = o.c + d * o.c_direction, g.c_stride = o.c_row;
  g.result = Int8Result::f32;
  g.column_scales = scales + (2 * s_.directions + d) * s_.n;
  g.float_bias = o.bias ? o.bias + d * s_.n : nullptr;
  byte_kernels_->run(g, gemm_tile(tiling_, tile, step), r.scratch(worker));
}

Status RecurrentWeights::multiply(OpRun& r, const Operands& o) const {
  const char* packed = packed_ ? packed_->data() : r.shared_scratch() + packed_at_;
  if (s_.as_bytes) ENGINE_TRY(quantize(r, o));
  double ns = product_tile_ns(tiling_, s_.as_bytes ? kByteMacsPerNs : kMacsPerNs);
  return run_product_tiles(r, tiling_, s_.directions, ns, [&](int64_t d, int64_t tile, int64_t step, int worker) {
    if (s_.as_bytes) run_bytes(r, o, packed, d, tile, step, worker);
    else run_float(r, o, packed, d, tile, step, worker);
  });
}

}  // namespace engine

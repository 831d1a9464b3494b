#include "ops/recurrent/weights.h"

#include <algorithm>

#include "base/checked.h"
#include "base/isa.h"
#include "kernels/quant/quant.h"
#include "ops/product/product.h"

namespace engine {
namespace {

constexpr double kMacsPerNs = 30;
constexpr double kPackNs = 1;  // an element
constexpr double kCacheBytes = 768 << 10, kCacheBytesPerNs = 50, kMemoryBytesPerNs = 20;

GemmType gemm_type(DType d) {
  return d == DType::Float16 ? GemmType::f16 : d == DType::BFloat16 ? GemmType::bf16 : GemmType::f32;
}

ByteType byte_type(DType d) { return d == DType::Int8 ? ByteType::s8 : ByteType::u8; }

int64_t take(int64_t* shared, int64_t bytes) {
  int64_t at = *shared;
  *shared += round_up(bytes, 64);
  return at;
}

// The tiling of the first `rows` rows.
GemmTiling first_rows(GemmTiling t, int64_t rows) {
  t.m = rows;
  t.tiles_m = ceil_div(rows, std::max<int64_t>(1, t.tile_m));
  t.tiles = t.tiles_m * t.tiles_n;
  return t;
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
  c.need_scratch(int64_t(gemm_scratch_bytes(blocking, tiling_.tile_m, s_.n, s_.k, s_.as_bytes, false)));
  return s_.as_bytes ? read_scales(c, shared) : Status();
}

Status RecurrentWeights::read_scales(PrepareContext& c, int64_t* shared) {
  c.need_scratch(dynamic_scale_scratch());
  quantized_at_ = take(shared, s_.directions * round_up(m_ * s_.k, 64));
  dynamic_at_ = take(shared, s_.directions * int64_t(sizeof(DynamicScale)));
  row_scales_at_ = take(shared, s_.directions * m_ * 4);
  for (int i : {s_.scale, s_.scale + 1}) {
    if (!c.has_input(i)) continue;
    int64_t have = c.shape(i).elements();
    if (have != s_.directions && have != s_.directions * s_.columns)
      return error(Code::InvalidModel, "input %d has shape %s; one value for each direction or each column is wanted", i, c.shape(i).text().c_str());
  }
  bool zeros = c.has_input(s_.scale + 1);
  int64_t count = s_.directions * s_.n;
  if (!c.is_constant(s_.scale) || (zeros && !c.is_constant(s_.scale + 1))) {
    scales_at_ = take(shared, count * 8);
    return {};
  }
  ENGINE_ASSIGN(constant_scales_, c.allocate(std::max<int64_t>(count * 8, 64)));
  fill_scales(*c.value(s_.scale), zeros ? c.value(s_.scale + 1) : nullptr, constant_scales_->data());
  const int32_t* points = reinterpret_cast<const int32_t*>(constant_scales_->data()) + count;
  has_zeros_ = std::any_of(points, points + count, [](int32_t zero) { return zero != 0; });
  return {};
}

void RecurrentWeights::fill_scales(const Tensor& scale, const Tensor* zero, char* memory) const {
  float* scales = reinterpret_cast<float*>(memory);
  int32_t* zeros = reinterpret_cast<int32_t*>(scales + s_.directions * s_.n);
  auto at = [&](const Tensor& t, int64_t d, int64_t j) {
    int64_t each = t.elements() / s_.directions;
    return d * each + (each == 1 ? 0 : s_.begin + j);
  };
  for (int64_t d = 0; d < s_.directions; ++d)
    for (int64_t j = 0; j < s_.n; ++j) {
      scales[d * s_.n + j] = scale.as<float>()[at(scale, d, j)];
      zeros[d * s_.n + j] = zero ? int32_t(integer_at(*zero, at(*zero, d, j))) : 0;
    }
}

int64_t RecurrentWeights::panels() const {
  return ceil_div(s_.n, s_.as_bytes ? byte_kernels_->blocking.panel : kernels_->blocking.panel);
}

void RecurrentWeights::pack_panels(const Tensor& source, int64_t begin, int64_t end, char* memory) const {
  const int64_t each = panels();
  for (int64_t i = begin; i < end;) {
    const int64_t direction = i / each, first = i % each, last = std::min(each, first + end - i);
    const char* data = source.as<char>() + (direction * s_.columns * s_.k) * dtype_size(dtype_);
    char* to = memory + direction * packed_bytes_;
    if (s_.as_bytes) byte_kernels_->pack_b(data + s_.begin, byte_type(dtype_), s_.columns, 1, s_.n, s_.k, first, last, to);
    else kernels_->pack_b({data + s_.begin * s_.k * dtype_size(dtype_), gemm_type(dtype_), 1, s_.k}, s_.n, s_.k, first, last, to);
    i += last - first;
  }
}

Status RecurrentWeights::pack(PrepareContext& c) {
  std::string kind = format("recurrent %s %s %lld %lldx%lld from %lld, %lld", s_.as_bytes ? "bytes" : "floats", isa_name(active_isa()),
                            (long long)s_.directions, (long long)s_.columns, (long long)s_.k, (long long)s_.begin, (long long)s_.n);
  const Tensor& source = *c.value(s_.position);
  ENGINE_ASSIGN(packed_, c.pack(s_.position, kind, packed_bytes_ * s_.directions, [&](char* memory) {
    pack_panels(source, 0, s_.directions * panels(), memory);
  }));
  return {};
}

Status RecurrentWeights::begin(OpRun& r) const {
  if (!packed_) {
    const int64_t each = panels();
    double ns = kPackNs * double(s_.n) * double(s_.k) / double(each);
    ENGINE_TRY(r.parallel(s_.directions * each, ns, [&](int64_t begin, int64_t end, int) {
      pack_panels(r.in(s_.position), begin, end, r.shared_scratch() + packed_at_);
    }));
  }
  if (s_.as_bytes && !constant_scales_)
    fill_scales(r.in(s_.scale), r.has(s_.scale + 1) ? &r.in(s_.scale + 1) : nullptr, r.shared_scratch() + scales_at_);
  return {};
}

const char* RecurrentWeights::packed(OpRun& r, int64_t d) const {
  return (packed_ ? packed_->data() : r.shared_scratch() + packed_at_) + d * packed_bytes_;
}

const float* RecurrentWeights::scales(OpRun& r) const {
  return reinterpret_cast<const float*>(constant_scales_ ? constant_scales_->data() : r.shared_scratch() + scales_at_);
}

DynamicScale& RecurrentWeights::dynamic(OpRun& r, int64_t slot) const {
  return reinterpret_cast<DynamicScale*>(r.shared_scratch() + dynamic_at_)[slot];
}

float* RecurrentWeights::row_scales(OpRun& r, int64_t slot) const {
  return reinterpret_cast<float*>(r.shared_scratch() + row_scales_at_) + slot * m_;
}

uint8_t* RecurrentWeights::quantized(OpRun& r, int64_t slot) const {
  return r.shared_scratch<uint8_t>() + quantized_at_ + slot * round_up(m_ * s_.k, 64);
}

void RecurrentWeights::set_row_scales(OpRun& r, int64_t slot, int64_t rows) const {
  std::fill_n(row_scales(r, slot), rows, dynamic(r, slot).scale);
}

Status RecurrentWeights::quantize(OpRun& r, const Operands& o) const {
  int64_t slots = slot_of(o, s_.directions - 1) + 1, count = o.rows * s_.k;
  for (int64_t slot = 0; slot < slots; ++slot) {
    const float* a = o.a + slot * o.a_direction;
    DynamicScale& scale = dynamic(r, slot);
    ENGINE_TRY(dynamic_scale(r, a, count, &scale));
    set_row_scales(r, slot, o.rows);
    ENGINE_TRY(r.parallel(count, 0.2, [&](int64_t begin, int64_t end, int) {
      quant_kernels().quantize_u8(a + begin, {&scale.scale, &scale.zero, false}, quantized(r, slot) + begin, size_t(end - begin));
    }));
  }
  return {};
}

void RecurrentWeights::quantize_here(OpRun& r, const Operands& o, int64_t d) const {
  int64_t slot = slot_of(o, d);
  const float* a = o.a + d * o.a_direction;
  DynamicScale& scale = dynamic(r, slot);
  scale = dynamic_scale_here(a, o.rows * s_.k);
  set_row_scales(r, slot, o.rows);
  quant_kernels().quantize_u8(a, {&scale.scale, &scale.zero, false}, quantized(r, slot), size_t(o.rows * s_.k));
}

void RecurrentWeights::run_float(OpRun& r, const Operands& o, int64_t d, const GemmTile& tile, int worker) const {
  GemmF32 g{};
  g.m = o.rows, g.n = s_.n, g.k = s_.k;
  g.alpha = 1;
  g.a = o.a + d * o.a_direction, g.a_row = s_.k, g.a_col = 1;
  g.packed_b = packed(r, d);
  g.c = o.c + d * o.c_direction, g.c_stride = o.c_row;
  g.epilogue.column_bias = o.bias ? o.bias + d * s_.n : nullptr;
  kernels_->run(g, tile, r.scratch(worker));
}

void RecurrentWeights::run_bytes(OpRun& r, const Operands& o, int64_t d, const GemmTile& tile, int worker) const {
  int64_t slot = slot_of(o, d);
  const float* scale = scales(r);
  GemmInt8 g{};
  g.m = o.rows, g.n = s_.n, g.k = s_.k;
  g.a = quantized(r, slot), g.a_type = ByteType::u8;
  g.a_row = s_.k, g.a_col = 1, g.a_zero = int32_t(dynamic(r, slot).zero);
  g.b_type = byte_type(dtype_), g.packed_b = packed(r, d);
  if (has_zeros_) g.b_zeros = reinterpret_cast<const int32_t*>(scale + s_.directions * s_.n) + d * s_.n;
  g.c = o.c + d * o.c_direction, g.c_stride = o.c_row;
  g.result = Int8Result::f32;
  g.column_scales = scale + d * s_.n;
  g.row_scales = row_scales(r, slot);
  g.float_bias = o.bias ? o.bias + d * s_.n : nullptr;
  byte_kernels_->run(g, tile, r.scratch(worker));
}

void RecurrentWeights::run_tile(OpRun& r, const Operands& o, int64_t d, const GemmTile& tile, int worker) const {
  if (s_.as_bytes) run_bytes(r, o, d, tile, worker);
  else run_float(r, o, d, tile, worker);
}

Status RecurrentWeights::multiply(OpRun& r, const Operands& o) const {
  if (s_.as_bytes) ENGINE_TRY(quantize(r, o));
  GemmTiling tiling = first_rows(tiling_, o.rows);
  double ns = product_tile_ns(tiling, macs_per_ns());
  return run_product_tiles(r, tiling, s_.directions, ns, [&](int64_t d, int64_t tile, int64_t step, int worker) {
    run_tile(r, o, d, gemm_tile(tiling, tile, step), worker);
  });
}

void RecurrentWeights::multiply_here(OpRun& r, const Operands& o, int64_t d, int64_t begin, int64_t end, int worker) const {
  if (s_.as_bytes) quantize_here(r, o, d);
  for (int64_t i = begin; i < end; i += tiling_.tile_m) run_tile(r, o, d, {i, std::min(end, i + tiling_.tile_m), 0, s_.n, 0, s_.k}, worker);
}

// Of bytes half as many again as the lowest rate, which tiles are cut for: the weights lie in a cache.
double RecurrentWeights::macs_per_ns() const {
  return s_.as_bytes ? 1.5 * double(byte_kernels_->blocking.tile_macs) / kTileNs : kMacsPerNs;
}

double RecurrentWeights::ns(int64_t rows) const {
  double macs = double(s_.n) * double(s_.k), bytes = double(packed_bytes_);
  double reading = bytes / (bytes < kCacheBytes ? kCacheBytesPerNs : kMemoryBytesPerNs);
  double quantizing = s_.as_bytes ? 0.2 * double(rows * s_.k) + 50 : 0;
  return 50 + quantizing + std::max(reading, double(rows) * macs / macs_per_ns());
}

}  // namespace engine

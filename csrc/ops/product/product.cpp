#include "ops/product/product.h"

#include "base/checked.h"
#include "base/isa.h"
#include "ops/elementwise/convert.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr double kMacsPerNs = 30;
constexpr double kBytesPerNs = 12;
constexpr double kNsPerConversion = 0.2;

GemmType gemm_type(DType d) {
  return d == DType::Float16 ? GemmType::f16 : d == DType::BFloat16 ? GemmType::bf16 : GemmType::f32;
}

std::string strides_text(const ProductShape& s, const int64_t* strides) {
  std::string text;
  for (int d = 0; d < s.batch_rank; ++d)
    if (strides[d] != 0) text += format(" %lldx%lld", (long long)s.batch[d], (long long)strides[d]);
  return text;
}

// The element-wise operation of an activation, or null when the product's own epilogue is as fast.
UnaryFn row_function(Activation activation) {
  switch (activation) {
    case Activation::sigmoid: return unary_kernel(ElementType::f32, UnaryOp::sigmoid);
    case Activation::tanh: return unary_kernel(ElementType::f32, UnaryOp::tanh);
    case Activation::gelu_erf: return unary_kernel(ElementType::f32, UnaryOp::gelu_erf);
    case Activation::gelu_tanh: return unary_kernel(ElementType::f32, UnaryOp::gelu_tanh);
    case Activation::silu: return unary_kernel(ElementType::f32, UnaryOp::silu);
    default: return nullptr;
  }
}

}  // namespace

double product_tile_ns(const GemmTiling& t, double macs_per_ns) {
  double m = double(std::min(t.m, t.tile_m)), n = double(std::min(t.n, t.tile_n)), k = double(t.k);
  return std::max(m * n * k / macs_per_ns, (n * k + m * n) * 4 / kBytesPerNs) + 100;
}

Status Product::prepare(PrepareContext& c, const ProductShape& shape, int a, int b, DType dtype) {
  shape_ = shape;
  dtype_ = dtype;
  kernels_ = &gemm_kernels();
  a_elements_ = c.shape(a).elements();
  b_elements_ = c.shape(b).elements();
  int right = shape.flipped ? a : b;
  if (c.is_constant(right)) ENGINE_TRY(pack(c, right));
  plan(c);
  return {};
}

Status Product::prepare_packed(PrepareContext& c, const ProductShape& shape, int a, RefPtr<Buffer> packed_b, DType dtype) {
  shape_ = shape;
  dtype_ = dtype;
  kernels_ = &gemm_kernels();
  a_elements_ = c.shape(a).elements();
  packed_ = std::move(packed_b);
  plan(c);
  return {};
}

void Product::plan(PrepareContext& c) {
  row_activation_.fn = row_function(activation);
  if (activation == Activation::silu) row_activation_.params.a = 1;
  c_elements_ = shape_.batches * shape_.m * shape_.n;
  int workers = shape_.batches >= 3 * int64_t(c.threads()) ? 1 : c.threads();
  tiling_ = gemm_tiling(kernels_->blocking, shape_.m, shape_.n, shape_.k, workers, shape_.a_col != 1, !packed_);
  ns_per_tile_ = product_tile_ns(tiling_, kMacsPerNs);
  c.need_scratch(int64_t(tiling_.scratch_bytes));
  if (dtype_ != DType::Float) c.need_shared_scratch((round_up(a_elements_, 16) + round_up(b_elements_, 16) + c_elements_) * 4);
}

Status Product::pack(PrepareContext& c, int b) {
  const ProductShape& s = shape_;
  int64_t matrices = 1;
  for (int d = s.batch_rank - 1; d >= 0; --d) {
    packed_batch_[d] = s.b_batch[d] != 0 ? matrices : 0;
    if (s.b_batch[d] != 0) matrices *= s.batch[d];
  }
  packed_bytes_ = round_up(int64_t(kernels_->packed_b_bytes(s.n, s.k)), 64);
  int64_t bytes = 0;
  if (!checked_mul(packed_bytes_, matrices, &bytes)) return error(Code::MemoryLimitExceeded, "packed operand is too large");
  const Tensor& source = *c.value(b);
  std::string kind = format("product %s %s n%lld k%lld %lld %lld", isa_name(active_isa()), dtype_name(dtype_), (long long)s.n,
                            (long long)s.k, (long long)s.b_row, (long long)s.b_col) + strides_text(s, s.b_batch);
  int64_t panels = ceil_div(s.n, kernels_->blocking.panel);
  ENGINE_ASSIGN(packed_, c.pack(b, kind, bytes, [&](char* memory) {
    for (int64_t i = 0; i < s.batches; ++i) {
      int64_t offset = batch_offset(s, s.b_batch, i), matrix = batch_offset(s, packed_batch_, i);
      const char* data = source.as<char>() + offset * dtype_size(dtype_);
      kernels_->pack_b({data, gemm_type(dtype_), s.b_row, s.b_col}, s.n, s.k, 0, panels, memory + matrix * packed_bytes_);
    }
  }));
  return {};
}

Status Product::run(OpRun& r, const ProductTerms& terms) const {
  return dtype_ == DType::Float ? run_float(r, terms) : run_widened(r, terms);
}

// All but the operands of a batch.
GemmF32 Product::gemm(const ProductTerms& t) const {
  const ProductShape& s = shape_;
  GemmF32 g{};
  g.m = s.m, g.n = s.n, g.k = s.k;
  g.alpha = alpha, g.beta = t.beta;
  g.a_row = s.a_row, g.a_col = s.a_col, g.b_row = s.b_row, g.b_col = s.b_col;
  g.c_stride = s.flipped ? s.n : s.c_row;
  g.epilogue.column_bias = static_cast<const float*>(s.flipped ? t.row_bias : t.column_bias);
  g.epilogue.row_bias = static_cast<const float*>(s.flipped ? t.column_bias : t.row_bias);
  g.epilogue.residual_stride = g.c_stride;
  g.epilogue.activation = row_activation_.fn ? Activation::none : activation;
  if (row_activation_.fn) {
    g.epilogue.row_context = &row_activation_;
    g.epilogue.row_fn = [](float* row, int64_t n, int64_t, const void* context) {
      const RowActivation& a = *static_cast<const RowActivation*>(context);
      a.fn(row, row, size_t(n), a.params);
    };
  }
  g.epilogue.activation_a = activation_a, g.epilogue.activation_b = activation_b;
  return g;
}

bool Product::run_rows(OpRun& r, int worker, const ProductTerms& t, int64_t rows, void* scratch) const {
  GemmF32 g = gemm(t);
  g.m = rows;
  g.a = static_cast<const float*>(t.a);
  if (packed_) g.packed_b = packed_->data();
  else g.b = static_cast<const float*>(t.b);
  g.c = static_cast<float*>(t.c);
  g.epilogue.residual = static_cast<const float*>(t.residual);
  return within_item(r, worker, tiling_.tiles * tiling_.k_steps, 1, [&](int64_t i, int64_t) {
    GemmTile tile = gemm_tile(tiling_, i / tiling_.k_steps, i % tiling_.k_steps);
    tile.m1 = std::min(tile.m1, rows);
    if (tile.m0 < tile.m1) kernels_->run(g, tile, scratch);
  });
}

Status Product::run_float(OpRun& r, const ProductTerms& t) const {
  const ProductShape& s = shape_;
  const GemmF32 g = gemm(t);
  const float* a = static_cast<const float*>(s.flipped ? t.b : t.a);
  const float* b = static_cast<const float*>(s.flipped ? t.a : t.b);
  return run_product_tiles(r, tiling_, s.batches, ns_per_tile_, [&](int64_t batch, int64_t tile, int64_t step, int worker) {
    GemmF32 one = g;
    one.a = a + batch_offset(s, s.a_batch, batch);
    if (packed_) one.packed_b = packed_->data() + batch_offset(s, packed_batch_, batch) * packed_bytes_;
    else one.b = b + batch_offset(s, s.b_batch, batch);
    int64_t c_offset = batch_offset(s, s.c_batch, batch);
    one.c = static_cast<float*>(t.c) + c_offset;
    if (t.residual) one.epilogue.residual = static_cast<const float*>(t.residual) + c_offset;
    kernels_->run(one, gemm_tile(tiling_, tile, step), r.scratch(worker));
  });
}

// The terms besides the product are few: they are applied to the float32 result one element at a time.
Status Product::run_widened(OpRun& r, const ProductTerms& t) const {
  const ProductShape& s = shape_;
  float* a = r.shared_scratch<float>();
  float* b = a + round_up(a_elements_, 16);
  float* c = b + round_up(b_elements_, 16);
  bool skip_b = packed_ && !s.flipped, skip_a = packed_ && s.flipped;
  if (!skip_a) ENGINE_TRY(widen_elements(r, t.a, dtype_, a_elements_, a));
  if (!skip_b) ENGINE_TRY(widen_elements(r, t.b, dtype_, b_elements_, b));
  ProductTerms wide;
  wide.a = a, wide.b = b, wide.c = c, wide.beta = t.beta;
  if (t.beta != 0) ENGINE_TRY(widen_elements(r, t.c, dtype_, c_elements_, c));
  ENGINE_TRY(run_float(r, wide));
  return narrow_elements(r, c, dtype_, c_elements_, t.c);
}

Status widen_elements(OpRun& r, const void* from, DType dtype, int64_t count, float* to) {
  Converter widen(dtype, DType::Float);
  return r.parallel(count, kNsPerConversion, [&](int64_t begin, int64_t end, int) {
    widen(static_cast<const uint16_t*>(from) + begin, to + begin, end - begin);
  });
}

Status narrow_elements(OpRun& r, const float* from, DType dtype, int64_t count, void* to) {
  Converter narrow(DType::Float, dtype);
  return r.parallel(count, kNsPerConversion, [&](int64_t begin, int64_t end, int) {
    narrow(from + begin, static_cast<uint16_t*>(to) + begin, end - begin);
  });
}

}  // namespace engine

#include "ops/product/byte_product.h"

#include "base/checked.h"
#include "base/isa.h"
#include "ops/product/product.h"
#include "ops/quantize/dynamic_scale.h"

namespace engine {
namespace {

constexpr DTypeSet kBytes = dtype_set(DType::Uint8, DType::Int8);

ByteType byte_type(DType d) { return d == DType::Int8 ? ByteType::s8 : ByteType::u8; }

Shape oriented(const Shape& s, bool transpose) {
  if (!transpose) return s;
  Shape out = s;
  std::swap(out[s.rank() - 1], out[s.rank() - 2]);
  return out;
}

}  // namespace

Status ByteProduct::infer(InferContext& c, DType result, bool float_a) {
  float_a_ = float_a;
  result_ = result;
  ENGINE_TRY(c.require(inputs.a, float_a ? dtypes::kFloat32 : kBytes));
  ENGINE_TRY(c.require(inputs.b, kBytes));
  a_type_ = float_a ? DType::Uint8 : c.dtype(inputs.a);
  b_type_ = c.dtype(inputs.b);
  for (int scale : {inputs.a_scale, inputs.b_scale, inputs.y_scale})
    if (scale >= 0 && c.has_input(scale)) ENGINE_TRY(c.require(scale, dtypes::kFloats & ~dtype_set(DType::Double)));
  if (inputs.a_zero >= 0 && c.has_input(inputs.a_zero)) ENGINE_TRY(c.require(inputs.a_zero, dtype_set(a_type_)));
  if (inputs.b_zero >= 0 && c.has_input(inputs.b_zero)) ENGINE_TRY(c.require(inputs.b_zero, dtype_set(b_type_)));
  if (inputs.int_bias >= 0 && c.has_input(inputs.int_bias)) ENGINE_TRY(c.require(inputs.int_bias, dtype_set(DType::Int32)));
  if (inputs.float_bias >= 0 && c.has_input(inputs.float_bias)) ENGINE_TRY(c.require(inputs.float_bias, dtypes::kFloat32));
  c.set(0, result);
  if (!c.has_rank(inputs.a) || !c.has_rank(inputs.b)) return {};
  const Shape& a = c.shape(inputs.a);
  const Shape& b = c.shape(inputs.b);
  if ((trans_a && a.rank() < 2) || (trans_b && b.rank() < 2)) return error(Code::InvalidModel, "a transposed operand must be a matrix");
  ENGINE_ASSIGN(Shape out, matmul_shape(oriented(a, trans_a), oriented(b, trans_b)));
  c.set(0, result, out);
  return {};
}

Status ByteProduct::prepare(PrepareContext& c) {
  Strided a = as_matrix(strided(c.shape(inputs.a)), true), b = as_matrix(strided(c.shape(inputs.b)), false);
  if (trans_a) a = transposed(a);
  if (trans_b) b = transposed(b);
  Shape out = c.output_shape(0);
  if (c.shape(inputs.a).rank() == 1) out.insert(c.shape(inputs.b).rank() == 1 ? 0 : out.rank() - 1, 1);
  if (c.shape(inputs.b).rank() == 1) out.push_back(1);
  shape_ = product_shape(a, b, strided(out), false);
  a_elements_ = c.shape(inputs.a).elements();
  kernels_ = &gemm_int8_kernels();
  int64_t scratch = float_a_ ? round_up(a_elements_, 64) : 0;
  ENGINE_TRY(place(c, inputs.a_zero, true, &a_zero_, &scratch));
  ENGINE_TRY(place(c, inputs.b_zero, false, &b_zero_, &scratch));
  if (result_ != DType::Int32) {
    int64_t unused = 0;
    ENGINE_TRY(place(c, inputs.a_scale, true, &a_scale_, &unused));
    ENGINE_TRY(place(c, inputs.b_scale, false, &b_scale_, &unused));
    if (a_scale_.spread == Spread::Rows) row_scales_ = scratch, scratch += round_up(shape_.m * 4, 64);
    if (b_scale_.spread == Spread::Columns) column_scales_ = scratch, scratch += round_up(shape_.n * 4, 64);
  }
  for (int bias : {inputs.int_bias, inputs.float_bias})
    if (bias >= 0 && c.has_input(bias) && c.shape(bias).elements() != shape_.n)
      return error(Code::UnsupportedOperator, "bias has shape %s; one value for each of %lld columns is supported",
                   c.shape(bias).text().c_str(), (long long)shape_.n);
  for (int y : {inputs.y_scale, inputs.y_zero})
    if (y >= 0 && c.has_input(y) && c.shape(y).elements() != 1)
      return error(Code::UnsupportedOperator, "input %d has shape %s; a scale or zero point of the output must be one value", y,
                   c.shape(y).text().c_str());
  if (c.is_constant(inputs.b)) ENGINE_TRY(pack(c));
  int workers = shape_.batches >= 3 * int64_t(c.threads()) ? 1 : c.threads();
  tiling_ = gemm_tiling(kernels_->blocking, shape_.m, shape_.n, shape_.k, workers, true, !packed_);
  c.need_scratch(std::max(int64_t(tiling_.scratch_bytes), float_a_ ? dynamic_scale_scratch() : int64_t(0)));
  c.need_shared_scratch(scratch);
  quantize_ = Quantizer(DType::Float, DType::Uint8, DType::Float, true);
  return {};
}

// Values of each row are those of the stack's rows when its batches were merged into m.
Status ByteProduct::place(PrepareContext& c, int position, bool rows, Operand* operand, int64_t* scratch) {
  if (position < 0 || !c.has_input(position)) return {};
  operand->position = position;
  int64_t elements = c.shape(position).elements(), size = rows ? shape_.m : shape_.n;
  operand->spread = elements == 1 ? Spread::One : rows ? Spread::Rows : Spread::Columns;
  if (elements == 1) return {};
  if (elements != size)
    return error(Code::UnsupportedOperator, "input %d has shape %s; one value or one for each of %lld %s is supported", position,
                 c.shape(position).text().c_str(), (long long)size, rows ? "rows" : "columns");
  operand->offset = *scratch;
  *scratch += round_up(size * 4, 64);
  return {};
}

Status ByteProduct::pack(PrepareContext& c) {
  const ProductShape& s = shape_;
  int64_t matrices = 1;
  for (int d = s.batch_rank - 1; d >= 0; --d) {
    packed_batch_[d] = s.b_batch[d] != 0 ? matrices : 0;
    if (s.b_batch[d] != 0) matrices *= s.batch[d];
  }
  packed_bytes_ = round_up(int64_t(kernels_->packed_b_bytes(s.n, s.k)), 64);
  int64_t bytes = 0;
  if (!checked_mul(packed_bytes_, matrices, &bytes)) return error(Code::MemoryLimitExceeded, "packed operand is too large");
  const Tensor& source = *c.value(inputs.b);
  std::string kind = format("byte product %s n%lld k%lld %lld %lld", isa_name(active_isa()), (long long)s.n, (long long)s.k,
                            (long long)s.b_row, (long long)s.b_col);
  for (int d = 0; d < s.batch_rank; ++d)
    if (s.b_batch[d] != 0) kind += format(" %lldx%lld", (long long)s.batch[d], (long long)s.b_batch[d]);
  int64_t panels = ceil_div(s.n, kernels_->blocking.panel);
  ENGINE_ASSIGN(packed_, c.pack(inputs.b, kind, bytes, [&](char* memory) {
    for (int64_t i = 0; i < s.batches; ++i) {
      const char* data = source.as<char>() + batch_offset(s, s.b_batch, i);
      kernels_->pack_b(data, byte_type(b_type_), s.b_row, s.b_col, s.n, s.k, 0, panels,
                       memory + batch_offset(s, packed_batch_, i) * packed_bytes_);
    }
  }));
  return {};
}

Status ByteProduct::quantize_a(OpRun& r, const void** a, float* scale, int32_t* zero) const {
  const float* x = r.in<float>(inputs.a);
  DynamicScale d;
  ENGINE_TRY(dynamic_scale(r, x, a_elements_, &d));
  uint8_t* to = r.shared_scratch<uint8_t>();
  *a = to;
  *scale = d.scale;
  *zero = int32_t(d.zero);
  return r.parallel(a_elements_, 1.0, [&](int64_t begin, int64_t end, int) {
    quantize_(x + begin, QuantScales{&d.scale, d.zero != 0 ? &d.zero : nullptr, false}, to + begin, end - begin);
  });
}

void ByteProduct::set_zeros(OpRun& r, GemmInt8* g) const {
  auto expand = [&](const Operand& o, int64_t n) {
    int32_t* to = reinterpret_cast<int32_t*>(r.shared_scratch() + o.offset);
    for (int64_t i = 0; i < n; ++i) to[i] = int32_t(integer_at(r.in(o.position), i));
    return to;
  };
  if (a_zero_.spread == Spread::One) g->a_zero = int32_t(integer_at(r.in(a_zero_.position), 0));
  if (a_zero_.spread == Spread::Rows) g->a_zeros = expand(a_zero_, shape_.m);
  if (b_zero_.spread == Spread::One) g->b_zero = int32_t(integer_at(r.in(b_zero_.position), 0));
  if (b_zero_.spread == Spread::Columns) g->b_zeros = expand(b_zero_, shape_.n);
}

void ByteProduct::set_scales(OpRun& r, float a_scale, GemmInt8* g) const {
  auto at = [&](const Operand& o, int64_t i) { return float(number_at(r.in(o.position), i)); };
  float y_scale = inputs.y_scale >= 0 && r.has(inputs.y_scale) ? float(number_at(r.in(inputs.y_scale), 0)) : 1.0f;
  bool rows = a_scale_.spread == Spread::Rows;
  float factor = rows ? alpha : a_scale_.spread == Spread::One ? alpha * at(a_scale_, 0) : alpha * a_scale;
  if (rows) {
    float* to = reinterpret_cast<float*>(r.shared_scratch() + row_scales_);
    for (int64_t i = 0; i < shape_.m; ++i) to[i] = at(a_scale_, i);
    g->row_scales = to;
  }
  if (b_scale_.spread == Spread::Columns) {
    float* to = reinterpret_cast<float*>(r.shared_scratch() + column_scales_);
    for (int64_t j = 0; j < shape_.n; ++j) to[j] = factor * at(b_scale_, j) / y_scale;
    g->column_scales = to;
  } else {
    g->scale = factor * (b_scale_.spread == Spread::One ? at(b_scale_, 0) : 1.0f) / y_scale;
  }
}

Status ByteProduct::run(OpRun& r) const {
  const ProductShape& s = shape_;
  GemmInt8 g{};
  g.m = s.m, g.n = s.n, g.k = s.k;
  g.a_type = byte_type(a_type_), g.b_type = byte_type(b_type_);
  g.a_row = s.a_row, g.a_col = s.a_col, g.b_row = s.b_row, g.b_col = s.b_col, g.c_stride = s.c_row;
  const void* a = r.in(inputs.a).data;
  float a_scale = 1;
  if (float_a_) ENGINE_TRY(quantize_a(r, &a, &a_scale, &g.a_zero));
  set_zeros(r, &g);
  g.result = result_ == DType::Int32 ? Int8Result::s32
             : result_ == DType::Float ? Int8Result::f32
             : result_ == DType::Uint8 ? Int8Result::u8 : Int8Result::s8;
  if (result_ != DType::Int32) set_scales(r, a_scale, &g);
  if (inputs.int_bias >= 0 && r.has(inputs.int_bias)) g.bias = r.in<int32_t>(inputs.int_bias);
  if (inputs.float_bias >= 0 && r.has(inputs.float_bias)) g.float_bias = r.in<float>(inputs.float_bias);
  if (inputs.y_zero >= 0 && r.has(inputs.y_zero)) g.c_zero = int32_t(integer_at(r.in(inputs.y_zero), 0));
  g.activation = activation, g.activation_a = activation_a, g.activation_b = activation_b;
  const char* b = r.in(inputs.b).as<char>();
  char* out = r.out<char>(0);
  int64_t element = dtype_size(result_);
  double ns = product_tile_ns(tiling_, double(kernels_->blocking.tile_macs) / kTileNs);
  return run_product_tiles(r, tiling_, s.batches, ns, [&](int64_t batch, int64_t tile, int64_t step, int worker) {
    GemmInt8 one = g;
    one.a = static_cast<const char*>(a) + batch_offset(s, s.a_batch, batch);
    if (packed_) one.packed_b = packed_->data() + batch_offset(s, packed_batch_, batch) * packed_bytes_;
    else one.b = b + batch_offset(s, s.b_batch, batch);
    one.c = out + batch_offset(s, s.c_batch, batch) * element;
    kernels_->run(one, gemm_tile(tiling_, tile, step), r.scratch(worker));
  });
}

}  // namespace engine

#include "ops/conv/byte_conv.h"

#include <algorithm>

#include "base/checked.h"
#include "base/isa.h"
#include "ops/conv/byte_pixels.h"
#include "ops/conv/conv_shape_of.h"

namespace engine {
namespace {

constexpr DTypeSet kBytes = dtype_set(DType::Uint8, DType::Int8);

int64_t aligned(int64_t bytes) { return round_up(bytes, int64_t(kAlignment)); }

// [n, spatial..., channel] to [n, channel, spatial...].
Shape channels_first(const Shape& s) {
  Shape out = s;
  for (int d = 2; d < s.rank(); ++d) out[d] = s[d - 1];
  out[1] = s.back();
  return out;
}

Shape with_channels_last(const Shape& s) {
  Shape out = s;
  for (int d = 2; d < s.rank(); ++d) out[d - 1] = s[d];
  out[s.rank() - 1] = s[1];
  return out;
}

}  // namespace

Status ByteConv::infer(InferContext& c, DType result) {
  result_ = result;
  ENGINE_TRY(c.require(inputs.x, kBytes));
  ENGINE_TRY(c.require(inputs.w, kBytes));
  x_type_ = c.dtype(inputs.x), w_type_ = c.dtype(inputs.w);
  for (int scale : {inputs.x_scale, inputs.w_scale, inputs.y_scale})
    if (scale >= 0) ENGINE_TRY(c.require(scale, dtypes::kFloat32));
  if (given(c, inputs.x_zero)) ENGINE_TRY(c.require_same(inputs.x, inputs.x_zero));
  if (given(c, inputs.w_zero)) ENGINE_TRY(c.require_same(inputs.w, inputs.w_zero));
  if (given(c, inputs.bias)) ENGINE_TRY(c.require(inputs.bias, dtype_set(DType::Int32, DType::Float)));
  if (given(c, inputs.table)) ENGINE_TRY(c.require(inputs.table, kBytes));
  c.set(0, result);
  infer_rank(c);
  if (!c.known(inputs.x) || !c.known(inputs.w) || (given(c, inputs.bias) && !c.known(inputs.bias))) return {};
  Shape output, x = c.shape(inputs.x);
  if (channels_last && x.rank() >= 3) x = channels_first(x);
  ENGINE_TRY(conv_shape_of(c, x, inputs.w, false, given(c, inputs.bias) ? inputs.bias : -1, &shape_, &output));
  if (channels_last) output = with_channels_last(output);
  c.set(0, result, output);
  return given(c, inputs.r) ? infer_residual(c, output) : Status();
}

// What is known of the output before the input's shape is.
void ByteConv::infer_rank(InferContext& c) const {
  if (!c.has_rank(inputs.x) || c.shape(inputs.x).rank() < 3) return;
  Shape shape = Shape::filled(c.shape(inputs.x).rank(), kUnknownDim);
  shape[0] = c.shape(inputs.x)[0];
  if (c.known(inputs.w)) shape[channels_last ? shape.rank() - 1 : 1] = c.shape(inputs.w)[0];
  c.set(0, result_, shape);
}

Status ByteConv::infer_residual(InferContext& c, const Shape& output) const {
  ENGINE_TRY(c.require(inputs.r, dtype_set(result_)));
  if (!channels_last) return error(Code::InvalidModel, "a residual needs channels last");
  if (c.known(inputs.r) && !(c.shape(inputs.r) == output))
    return error(Code::InvalidModel, "residual has shape %s, the result %s", c.shape(inputs.r).text().c_str(), output.text().c_str());
  return {};
}

Status ByteConv::check_small(PrepareContext& c, int position, bool per_channel) const {
  if (position < 0 || !c.has_input(position)) return {};
  int64_t n = c.shape(position).elements();
  if (n == 1 || (per_channel && n == shape_.c_out)) return {};
  return error(Code::UnsupportedOperator, "input %d has shape %s; one value%s is supported", position, c.shape(position).text().c_str(),
               per_channel ? " or one for each output channel" : "");
}

Status ByteConv::prepare(PrepareContext& c) {
  for (int i : {inputs.x_scale, inputs.x_zero, inputs.y_scale, inputs.y_zero, inputs.r_scale, inputs.r_zero, inputs.z_scale, inputs.z_zero})
    ENGINE_TRY(check_small(c, i, false));
  for (int i : {inputs.w_scale, inputs.w_zero}) ENGINE_TRY(check_small(c, i, true));
  if (given(c, inputs.table) && c.shape(inputs.table).elements() != 256) return error(Code::InvalidModel, "the table has not 256 values");
  kernels_ = &byte_conv_kernels();
  quant_ = &quant_kernels();
  turns_ = !channels_last || x_type_ == DType::Int8;
  ENGINE_TRY(depthwise() ? prepare_depthwise(c) : prepare_rows(c));
  Source source = [&](int i) { return given(c, i) ? c.value(i) : nullptr; };
  auto constant = [&](std::initializer_list<int> positions) {
    return std::all_of(positions.begin(), positions.end(), [&](int i) { return !given(c, i) || c.is_constant(i); });
  };
  if (constant({inputs.w, inputs.w_zero}) && depthwise()) {
    ENGINE_ASSIGN(packed_, c.allocate(weight_bytes()));
    fill_weights(source, packed_->data());
  } else if (constant({inputs.w})) {
    std::string kind = format("byte conv %s %lld %lld", isa_name(active_isa()), (long long)shape_.groups, (long long)pieces_.pieces());
    ENGINE_ASSIGN(packed_, c.pack(inputs.w, kind, weight_bytes(), [&](char* memory) { fill_weights(source, memory); }));
  }
  if (packed_ && constant({inputs.x_scale, inputs.x_zero, inputs.w_scale, inputs.w_zero, inputs.y_scale, inputs.y_zero, inputs.bias})) {
    ENGINE_ASSIGN(terms_, c.allocate(terms_bytes()));
    fill_terms(source, weights_at(packed_->data()), terms_->data());
  }
  outside_at_ = turns_ ? aligned(shape_.n * shape_.c_in * shape_.in_pixels() + 64) : 0;
  terms_at_ = outside_at_ + aligned(pieces_.readable());
  weights_at_ = terms_at_ + (terms_ ? 0 : terms_bytes());
  c.need_shared_scratch(weights_at_ + (packed_ ? 0 : weight_bytes() + shape_.weight_count()));
  return {};
}

Status ByteConv::run(OpRun& r) const {
  if (r.out(0).elements() == 0) return {};
  Source source = [&](int i) { return i >= 0 && r.has(i) ? &r.in(i) : nullptr; };
  uint8_t* shared = r.shared_scratch<uint8_t>();
  char* memory = r.shared_scratch();
  if (!packed_) ENGINE_TRY(make_weights(r, source, reinterpret_cast<int8_t*>(memory + weights_at_ + weight_bytes()), memory + weights_at_));
  const Weights weights = weights_at(packed_ ? packed_->data() : memory + weights_at_);
  const Terms terms = terms_ ? terms_at(terms_->data()) : fill_terms(source, weights, memory + terms_at_);
  const uint8_t* x = r.in<uint8_t>(inputs.x);
  const uint8_t* end = x + shape_.n * shape_.c_in * shape_.in_pixels();
  if (turns_) {
    const uint8_t flip = x_type_ == DType::Int8 ? 128 : 0;
    ENGINE_TRY(bytes_to_pixels(r, x, shape_.n, shape_.c_in, shape_.in_pixels(), channels_last, flip, shared));
    x = shared, end = shared + outside_at_;
  }
  if (depthwise()) return run_depthwise(r, terms, weights, x);
  std::fill_n(shared + outside_at_, pieces_.readable(), terms.x_zero);
  return run_rows(r, terms, weights, x, end);
}

void ByteConv::after(OpRun& r, uint8_t* y, int64_t count, int64_t at) const {
  if (inputs.table >= 0 && r.has(inputs.table)) quant_->lookup(y, r.in<uint8_t>(inputs.table), y, size_t(count));
  if (inputs.r < 0 || !r.has(inputs.r)) return;
  auto one = [&](int i) { return float(integer_at(r.in(i), 0)); };
  QuantSum sum = quant_sum(*r.in<float>(inputs.y_scale), one(inputs.y_zero), *r.in<float>(inputs.r_scale), one(inputs.r_zero),
                           *r.in<float>(inputs.z_scale), one(inputs.z_zero));
  const uint8_t* residual = r.in<uint8_t>(inputs.r) + at;
  if (result_ == DType::Uint8) quant_->add_u8(y, residual, sum, y, size_t(count));
  else quant_->add_i8(reinterpret_cast<int8_t*>(y), reinterpret_cast<const int8_t*>(residual), sum, reinterpret_cast<int8_t*>(y), size_t(count));
}

}  // namespace engine

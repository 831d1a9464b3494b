#include "ops/elementwise/cast.h"

#include "tensor/number_text.h"

namespace engine {
namespace {

constexpr DTypeSet kSignedText = dtypes::kSigned | dtype_set(DType::Int4, DType::Int2);
constexpr DTypeSet kIntegerText = kSignedText | dtypes::kUnsigned | dtype_set(DType::Uint4, DType::Uint2);

// Between strings and numbers, elements pass through one of these.
DType text_type(DType d) {
  if (d == DType::Uint64) return d;
  if (contains(kIntegerText, d)) return DType::Int64;
  return d == DType::Double || d == DType::Bool ? DType::Double : DType::Float;
}

bool parse(const std::string& text, DType type, void* out) {
  if (type == DType::Float) return parse_float(text, static_cast<float*>(out));
  if (type == DType::Double) return parse_double(text, static_cast<double*>(out));
  return parse_integer(text, static_cast<int64_t*>(out));
}

std::string print(DType dtype, DType type, const void* x) {
  if (dtype == DType::Bool) return *static_cast<const double*>(x) != 0 ? "True" : "False";
  switch (type) {
    case DType::Int64: return std::to_string(*static_cast<const int64_t*>(x));
    case DType::Uint64: return std::to_string(*static_cast<const uint64_t*>(x));
    case DType::Double: return format_float(*static_cast<const double*>(x), dtype);
    default: return format_float(double(*static_cast<const float*>(x)), dtype);
  }
}

void keep_least(std::atomic<int64_t>& least, int64_t i) {
  int64_t seen = least.load(std::memory_order_relaxed);
  while (i < seen && !least.compare_exchange_weak(seen, i, std::memory_order_relaxed)) {
  }
}

}  // namespace

Status CastOp::read_rounding(InferContext& c) {
  rounding_.saturate = c.attr_int("saturate", 1) != 0;
  std::string mode = c.attr_string("round_mode", "up");
  if (mode == "up") rounding_.e8m0 = RoundMode::Up;
  else if (mode == "down") rounding_.e8m0 = RoundMode::Down;
  else if (mode == "nearest") rounding_.e8m0 = RoundMode::Nearest;
  else return error(Code::InvalidModel, "round_mode is '%s'; up, down and nearest are allowed", mode.c_str());
  return {};
}

Status CastOp::infer(InferContext& c) {
  ENGINE_TRY(c.require(0, kCastTypes));
  ENGINE_TRY(read_rounding(c));
  ENGINE_ASSIGN(to_, target(c));
  if (!contains(kCastTypes, to_)) return error(Code::UnsupportedOperator, "a cast to %s is not supported", dtype_name(to_));
  TypeInfo type = c.type(0);
  type.dtype = to_;
  c.set(0, type);
  if (to_ == c.dtype(0)) c.set_view(0, 0);
  else if (dtype_size(to_) == dtype_size(c.dtype(0)) && c.dtype(0) != DType::String && to_ != DType::String) c.allow_in_place(0, 0);
  return {};
}

Status CastOp::prepare(PrepareContext& c) {
  DType from = c.dtype(0);
  if (from == DType::String && to_ == DType::String) return {};
  if (from == DType::String) convert_ = Converter(text_type(to_), to_, rounding_);
  else if (to_ == DType::String) convert_ = Converter(from, text_type(from));
  else convert_ = Converter(from, to_, rounding_);
  return {};
}

Status CastOp::run(OpRun& r) const {
  const Tensor& x = r.in(0);
  if (x.dtype == DType::String) return from_strings(r);
  if (to_ == DType::String) return to_strings(r);
  const char* from = x.as<char>();
  char* to = r.out<char>(0);
  int64_t in_size = dtype_size(x.dtype), out_size = dtype_size(to_);
  return r.parallel(x.elements(), convert_.ns_per_element(), [&](int64_t begin, int64_t end, int) {
    convert_(from + begin * in_size, to + begin * out_size, end - begin);
  });
}

Status CastOp::from_strings(OpRun& r) const {
  const auto* x = r.in<std::string>(0);
  char* y = r.out<char>(0);
  int64_t n = r.in(0).elements(), size = dtype_size(to_);
  DType type = text_type(to_);
  std::atomic<int64_t> bad{n};
  ENGINE_TRY(r.parallel(n, 80, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      alignas(8) char number[8];
      if (parse(x[i], type, number)) convert_(number, y + i * size, 1);
      else return keep_least(bad, i);
    }
  }));
  int64_t i = bad.load(std::memory_order_relaxed);
  if (i == n) return {};
  return error(Code::InvalidInput, "element %lld is '%.40s', which is no %s", (long long)i, x[i].c_str(), dtype_name(to_));
}

Status CastOp::to_strings(OpRun& r) const {
  const Tensor& x = r.in(0);
  auto* y = r.out<std::string>(0);
  int64_t size = dtype_size(x.dtype);
  DType type = text_type(x.dtype);
  return r.parallel(x.elements(), 200, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      alignas(8) char number[8];
      convert_(x.as<char>() + i * size, number, 1);
      y[i] = print(x.dtype, type, number);
    }
  });
}

}  // namespace engine

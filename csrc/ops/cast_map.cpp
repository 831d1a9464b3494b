#include <functional>

#include "ops/map.h"
#include "ops/number_text.h"
#include "ops/order_key.h"
#include "ops/pieces.h"
#include "ops/tiled_sort.h"

namespace engine {
namespace {

constexpr int64_t kPiece = 512;

Result<DType> cast_target(const std::string& name) {
  if (name == "TO_FLOAT") return DType::Float;
  if (name == "TO_STRING") return DType::String;
  if (name == "TO_INT64") return DType::Int64;
  return error(Code::InvalidModel, "cast_to is '%s'; TO_FLOAT, TO_STRING and TO_INT64 are allowed", name.c_str());
}

// to[at] = values[from], cast. InvalidInput for a text that is no number or a number that does not fit.
Status cast_element(const Tensor& values, int64_t from, const Tensor& to, int64_t at) {
  if (values.dtype == DType::String) {
    const std::string& text = values.as<std::string>()[from];
    if (to.dtype == DType::String) {
      to.as<std::string>()[at] = text;
    } else if (to.dtype == DType::Float) {
      ENGINE_ASSIGN(to.as<float>()[at], parse_number<float>(text));
    } else {
      ENGINE_ASSIGN(to.as<int64_t>()[at], parse_number<int64_t>(text));
    }
    return {};
  }
  float x = float(number_at(values, from));
  if (to.dtype == DType::String) to.as<std::string>()[at] = number_text(x);
  else if (to.dtype == DType::Float) to.as<float>()[at] = x;
  else if (x >= -0x1p63f && x < 0x1p63f) to.as<int64_t>()[at] = int64_t(x);
  else return error(Code::InvalidInput, "%g does not fit int64", double(x));
  return {};
}

class CastMap final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(require_map(c, 0, dtype_set(DType::Int64), dtype_set(DType::String, DType::Float)));
    ENGINE_ASSIGN(to_, cast_target(c.attr_string("cast_to", "TO_FLOAT")));
    std::string form = c.attr_string("map_form", "DENSE");
    if (form != "DENSE" && form != "SPARSE")
      return error(Code::InvalidModel, "map_form is '%s'; DENSE and SPARSE are allowed", form.c_str());
    sparse_ = form == "SPARSE";
    text_ = c.type(0).dtype == DType::String;
    length_ = c.attr_int("max_map", 1);
    if (sparse_ && length_ < 1) return error(Code::InvalidModel, "max_map is %lld; a positive number is expected", (long long)length_);
    c.set(0, to_, {1, sparse_ ? length_ : kUnknownDim});
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(MapContent map, map_content(r, 0, DType::Int64, text_));
    int64_t n = map.keys->elements();
    ENGINE_TRY(r.allocate(0, to_, {1, sparse_ ? length_ : n}));
    if (to_ != DType::String) ENGINE_TRY(r.clear(r.out(0)));
    ENGINE_ASSIGN(Tensor order, sorted_by_key(r, *map.keys));
    Status found;
    ENGINE_TRY(in_pieces(r, n, kPiece, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end && found.ok(); ++k) found = put(map, order.as<KeyedIndex>()[k].index, k, r.out(0));
    }));
    return found;
  }

 private:
  static Result<Tensor> sorted_by_key(OpRun& r, const Tensor& keys) {
    int64_t n = keys.elements();
    ENGINE_ASSIGN(Tensor records, r.make(DType::Complex128, {2, n}));
    KeyedIndex* all = records.as<KeyedIndex>();
    ENGINE_TRY(r.parallel(n, 2, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) all[i] = {order_key(keys.as<int64_t>()[i]), i};
    }));
    ENGINE_TRY(tiled_sort(r, all, all + n, n, 2, std::less<KeyedIndex>()));
    return records;
  }

  // The k-th entry in order of keys, which is entry `from`.
  Status put(const MapContent& map, int64_t from, int64_t k, const Tensor& to) const {
    int64_t at = sparse_ ? map.keys->as<int64_t>()[from] : k;
    if (sparse_ && (at < 0 || at >= length_))
      return error(Code::InvalidInput, "key %lld is out of range for max_map %lld", (long long)at, (long long)length_);
    return cast_element(*map.values, from, to, at);
  }

  DType to_ = DType::Float;
  bool sparse_ = false, text_ = false;
  int64_t length_ = 1;
};

}  // namespace

void op_cast_map(OpTable& t) { t.add<CastMap>("ai.onnx.ml", "CastMap", 1, 1, 1); }

}  // namespace engine

#include "ops/lookup.h"
#include "ops/node_cache.h"

namespace engine {
namespace {

using LabelTypes = TypeList<std::string, int64_t, float, int32_t, int16_t, double>;

// One list of keys or values: <prefix>_strings, _int64s, _floats, or (version 4) _tensor. A tensor without data is none.
Result<Tensor> read_list(const InferContext& c, const std::string& prefix) {
  std::vector<std::string> strings = c.attr_strings((prefix + "_strings").c_str());
  std::vector<int64_t> ints = c.attr_ints((prefix + "_int64s").c_str());
  std::vector<float> floats = c.attr_floats((prefix + "_floats").c_str());
  const Tensor* given = c.attr_tensor((prefix + "_tensor").c_str());
  int kinds = !strings.empty() + !ints.empty() + !floats.empty() + (given != nullptr);
  if (kinds != 1) return error(Code::InvalidModel, "one of the attributes %s_* must be given; %d are", prefix.c_str(), kinds);
  if (given) return *given;
  auto list = [&]<class T>(const std::vector<T>& from) -> Result<Tensor> {
    ENGINE_ASSIGN(Tensor t, make_tensor(dtype_of<T>, {int64_t(from.size())}, nullptr, "labels"));
    std::copy(from.begin(), from.end(), t.as<T>());
    return t;
  };
  if (!strings.empty()) return list(strings);
  if (!ints.empty()) return list(ints);
  return list(floats);
}

class Encoding {
 public:
  virtual ~Encoding() = default;
  // out[i] = the value of key x[i], i in [begin, end).
  virtual void encode(const Tensor& x, const Tensor& out, int64_t begin, int64_t end) const = 0;
  DType from = DType::Undefined, to = DType::Undefined;
};

template <class K, class V>
class TypedEncoding final : public Encoding {
 public:
  TypedEncoding(const Tensor& keys, const Tensor& values, V fallback)
      : table_(keys.as<K>(), keys.elements()), values_(values.as<V>(), values.as<V>() + values.elements()), fallback_(std::move(fallback)) {
    from = dtype_of<K>;
    to = dtype_of<V>;
  }

  void encode(const Tensor& x, const Tensor& out, int64_t begin, int64_t end) const override {
    for (int64_t i = begin; i < end; ++i) {
      int64_t at = table_.find(x.as<K>()[i]);
      out.as<V>()[i] = at < 0 ? fallback_ : values_[size_t(at)];
    }
  }

 private:
  PositionTable<K> table_;
  std::vector<V> values_;
  V fallback_;
};

template <class V>
Result<V> fallback_for(const InferContext& c) {
  if (const Tensor* t = c.attr_tensor("default_tensor")) {
    if (t->dtype != dtype_of<V> || t->elements() != 1)
      return error(Code::InvalidModel, "default_tensor is %s%s; one %s is expected", dtype_name(t->dtype), t->shape.text().c_str(), dtype_name(dtype_of<V>));
    return V(t->as<V>()[0]);
  }
  if constexpr (std::is_same_v<V, std::string>) return c.attr_string("default_string", "_Unused");
  else if constexpr (std::is_integral_v<V>) return V(c.attr_int("default_int64", -1));
  else return V(c.attr_float("default_float", -0.0f));
}

// keys: of version 1, where they are the positions, empty.
Result<std::shared_ptr<const Encoding>> make_encoding(const InferContext& c, const Tensor& keys, const Tensor& values) {
  if (keys.elements() != values.elements())
    return error(Code::InvalidModel, "%lld keys for %lld values", (long long)keys.elements(), (long long)values.elements());
  Result<std::shared_ptr<const Encoding>> made = error(Code::UnsupportedOperator, "keys are %s, values %s; supported are string, int64, float32, int32, int16 and float64",
                                                       dtype_name(keys.dtype), dtype_name(values.dtype));
  visit_dtype(LabelTypes{}, keys.dtype, [&]<class K>() {
    visit_dtype(LabelTypes{}, values.dtype, [&]<class V>() {
      Result<V> fallback = fallback_for<V>(c);
      if (!fallback.ok()) made = std::move(fallback).status();
      else made = std::shared_ptr<const Encoding>(std::make_shared<TypedEncoding<K, V>>(keys, values, fallback.take()));
    });
  });
  return made;
}

class LabelEncoder : public Op {
 public:
  explicit LabelEncoder(bool by_position) : by_position_(by_position) {}

  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtype_set(DType::String, DType::Int64, DType::Float, DType::Int32, DType::Int16, DType::Double)));
    if (!encoding_) {
      ENGINE_ASSIGN(encoding_, NodeCache<Encoding>::instance().get(c.node().attributes, [&] { return by_position_ ? positions(c) : lists(c); }));
    }
    if (c.dtype(0) != encoding_->from)
      return error(Code::InvalidModel, "the data are %s, the keys %s", dtype_name(c.dtype(0)), dtype_name(encoding_->from));
    TypeInfo type = c.type(0);
    type.dtype = encoding_->to;
    c.set(0, type);
    return {};
  }

  Status run(OpRun& r) const override {
    double ns = r.in(0).dtype == DType::String ? kLookupNs<std::string> : kLookupNs<int64_t>;
    return r.parallel(r.in(0).elements(), ns, [&](int64_t b, int64_t e, int) { encoding_->encode(r.in(0), r.out(0), b, e); });
  }

 private:
  static Result<std::shared_ptr<const Encoding>> lists(const InferContext& c) {
    ENGINE_ASSIGN(Tensor keys, read_list(c, "keys"));
    ENGINE_ASSIGN(Tensor values, read_list(c, "values"));
    return make_encoding(c, keys, values);
  }

  // Version 1: classes_strings and their positions, in the direction that the input's dtype asks for.
  static Result<std::shared_ptr<const Encoding>> positions(const InferContext& c) {
    ENGINE_ASSIGN(Tensor texts, read_list(c, "classes"));
    ENGINE_ASSIGN(Tensor numbers, make_tensor(DType::Int64, texts.shape, nullptr, "labels"));
    for (int64_t i = 0; i < numbers.elements(); ++i) numbers.as<int64_t>()[i] = i;
    return c.dtype(0) == DType::String ? make_encoding(c, texts, numbers) : make_encoding(c, numbers, texts);
  }

  bool by_position_;
  std::shared_ptr<const Encoding> encoding_;
};

struct PositionEncoder final : LabelEncoder {
  PositionEncoder() : LabelEncoder(true) {}
};
struct ListEncoder final : LabelEncoder {
  ListEncoder() : LabelEncoder(false) {}
};

}  // namespace

void op_label_encoder(OpTable& t) {
  t.add<PositionEncoder>("ai.onnx.ml", "LabelEncoder", 1, 1, 1);
  for (int since : {2, 4}) t.add<ListEncoder>("ai.onnx.ml", "LabelEncoder", since, 1, 1);
}

}  // namespace engine

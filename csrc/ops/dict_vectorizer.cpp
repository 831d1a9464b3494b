#include <algorithm>

#include "ops/lookup.h"
#include "ops/map.h"
#include "ops/node_cache.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr int64_t kPiece = 1024;

struct Vocabulary {
  std::vector<std::string> texts;
  std::vector<int64_t> numbers;
  PositionTable<std::string> by_text;
  PositionTable<int64_t> by_number;

  Vocabulary(std::vector<std::string> t, std::vector<int64_t> n)
      : texts(std::move(t)), numbers(std::move(n)), by_text(texts.data(), int64_t(texts.size())),
        by_number(numbers.data(), int64_t(numbers.size())) {}
  int64_t size() const { return int64_t(texts.size() + numbers.size()); }
};

class DictVectorizer final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_ASSIGN(vocabulary_, NodeCache<Vocabulary>::instance().get(c.node().attributes, [&] { return build(c); }));
    DType key = vocabulary_->texts.empty() ? DType::Int64 : DType::String;
    ENGINE_TRY(require_map(c, 0, dtype_set(key), dtype_set(DType::Int64, DType::String, DType::Float, DType::Double)));
    if (c.type(0).kind != TypeKind::Map) return error(Code::UnsupportedOperator, "the map's type is not known");
    to_ = c.type(0).dtype;
    c.set(0, to_, {1, vocabulary_->size()});
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    const Vocabulary& v = *vocabulary_;
    bool texts = !v.texts.empty();
    ENGINE_ASSIGN(MapContent map, map_content(r, 0, texts ? DType::String : DType::Int64, to_ == DType::String));
    ENGINE_TRY(r.allocate(0, to_, {1, v.size()}));
    if (to_ != DType::String) ENGINE_TRY(r.clear(r.out(0)));
    return in_pieces(r, map.keys->elements(), kPiece, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t at = texts ? v.by_text.find(map.keys->as<std::string>()[i]) : v.by_number.find(map.keys->as<int64_t>()[i]);
        if (at >= 0) put(*map.values, i, r.out(0), at);
      }
    });
  }

 private:
  static Result<std::shared_ptr<const Vocabulary>> build(const InferContext& c) {
    std::vector<std::string> texts = c.attr_strings("string_vocabulary");
    std::vector<int64_t> numbers = c.attr_ints("int64_vocabulary");
    if (texts.empty() == numbers.empty())
      return error(Code::InvalidModel, "one of the attributes string_vocabulary and int64_vocabulary must be given");
    return std::shared_ptr<const Vocabulary>(std::make_shared<Vocabulary>(std::move(texts), std::move(numbers)));
  }

  // to[at] = from[i]; numbers of another type are converted.
  static void put(const Tensor& from, int64_t i, const Tensor& to, int64_t at) {
    switch (to.dtype) {
      case DType::String: to.as<std::string>()[at] = from.as<std::string>()[i]; break;
      case DType::Float: to.as<float>()[at] = float(number_at(from, i)); break;
      case DType::Double: to.as<double>()[at] = number_at(from, i); break;
      default: to.as<int64_t>()[at] = contains(dtypes::kIntegers, from.dtype) ? integer_at(from, i) : int64_t(number_at(from, i));
    }
  }

  DType to_ = DType::Float;
  std::shared_ptr<const Vocabulary> vocabulary_;
};

}  // namespace

void op_dict_vectorizer(OpTable& t) { t.add<DictVectorizer>("ai.onnx.ml", "DictVectorizer", 1, 1, 1); }

}  // namespace engine

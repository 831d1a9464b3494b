#include <algorithm>

#include "ops/lookup.h"
#include "ops/map.h"
#include "ops/node_cache.h"

namespace engine {
namespace {

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
    if (c.type(0).kind == TypeKind::Map) c.set(0, c.type(0).dtype, {1, vocabulary_->size()});
    else c.set(0, TypeInfo());
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(MapContent map, map_content(r, 0));
    const Vocabulary& v = *vocabulary_;
    bool texts = !v.texts.empty();
    if (map.keys->dtype != (texts ? DType::String : DType::Int64))
      return error(Code::InvalidInput, "the map's keys are %s; %s is expected", dtype_name(map.keys->dtype), texts ? "string" : "int64");
    ENGINE_TRY(r.allocate(0, map.values->dtype, {1, v.size()}));
    if (map.values->dtype != DType::String) std::fill_n(r.out(0).as<char>(), r.out(0).bytes(), char(0));
    for (int64_t i = 0; i < map.keys->elements(); ++i) {
      int64_t at = texts ? v.by_text.find(map.keys->as<std::string>()[i]) : v.by_number.find(map.keys->as<int64_t>()[i]);
      if (at < 0) continue;
      if (map.values->dtype == DType::String) r.out<std::string>(0)[at] = map.values->as<std::string>()[i];
      else visit_width(map.values->dtype, [&]<class T>() { r.out<T>(0)[at] = map.values->as<T>()[i]; });
    }
    return {};
  }

 private:
  static Result<std::shared_ptr<const Vocabulary>> build(const InferContext& c) {
    std::vector<std::string> texts = c.attr_strings("string_vocabulary");
    std::vector<int64_t> numbers = c.attr_ints("int64_vocabulary");
    if (texts.empty() == numbers.empty())
      return error(Code::InvalidModel, "one of the attributes string_vocabulary and int64_vocabulary must be given");
    return std::shared_ptr<const Vocabulary>(std::make_shared<Vocabulary>(std::move(texts), std::move(numbers)));
  }

  std::shared_ptr<const Vocabulary> vocabulary_;
};

}  // namespace

void op_dict_vectorizer(OpTable& t) { t.add<DictVectorizer>("ai.onnx.ml", "DictVectorizer", 1, 1, 1); }

}  // namespace engine

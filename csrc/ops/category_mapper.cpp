#include "ops/lookup.h"
#include "ops/node_cache.h"

namespace engine {
namespace {

struct Categories {
  std::vector<std::string> texts;
  std::vector<int64_t> numbers;
  PositionTable<std::string> by_text;
  PositionTable<int64_t> by_number;

  Categories(std::vector<std::string> t, std::vector<int64_t> n)
      : texts(std::move(t)), numbers(std::move(n)), by_text(texts.data(), int64_t(texts.size())),
        by_number(numbers.data(), int64_t(numbers.size())) {}
};

class CategoryMapper final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtype_set(DType::String, DType::Int64)));
    default_text_ = c.attr_string("default_string", "_Unused");
    default_number_ = c.attr_int("default_int64", -1);
    ENGINE_ASSIGN(categories_, NodeCache<Categories>::instance().get(c.node().attributes, [&] { return build(c); }));
    TypeInfo type = c.type(0);
    type.dtype = c.dtype(0) == DType::String ? DType::Int64 : DType::String;
    c.set(0, type);
    return {};
  }

  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    const Categories& m = *categories_;
    return r.parallel(x.elements(), kLookupNs<std::string>, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        if (x.dtype == DType::String) {
          int64_t at = m.by_text.find(x.as<std::string>()[i]);
          r.out<int64_t>(0)[i] = at < 0 ? default_number_ : m.numbers[size_t(at)];
        } else {
          int64_t at = m.by_number.find(x.as<int64_t>()[i]);
          r.out<std::string>(0)[i] = at < 0 ? default_text_ : m.texts[size_t(at)];
        }
      }
    });
  }

 private:
  static Result<std::shared_ptr<const Categories>> build(const InferContext& c) {
    std::vector<std::string> texts = c.attr_strings("cats_strings");
    std::vector<int64_t> numbers = c.attr_ints("cats_int64s");
    if (texts.size() != numbers.size())
      return error(Code::InvalidModel, "cats_strings has %zu entries, cats_int64s %zu", texts.size(), numbers.size());
    return std::shared_ptr<const Categories>(std::make_shared<Categories>(std::move(texts), std::move(numbers)));
  }

  std::string default_text_;
  int64_t default_number_ = -1;
  std::shared_ptr<const Categories> categories_;
};

}  // namespace

void op_category_mapper(OpTable& t) { t.add<CategoryMapper>("ai.onnx.ml", "CategoryMapper", 1, 1, 1); }

}  // namespace engine

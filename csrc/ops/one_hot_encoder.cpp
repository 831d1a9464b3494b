#include <atomic>
#include <cmath>

#include "ops/float_features.h"
#include "ops/lookup.h"
#include "ops/node_cache.h"

namespace engine {
namespace {

struct OneHotCategories {
  PositionTable<std::string> texts;
  PositionTable<int64_t> numbers;
  int64_t count;
  bool is_text;
};

class OneHotEncoder final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, kFeatureTypes | dtypes::kString));
    ENGINE_ASSIGN(categories_, NodeCache<OneHotCategories>::instance().get(c.node().attributes, [&] { return build(c); }));
    if (categories_->is_text != (c.dtype(0) == DType::String))
      return error(Code::InvalidModel, "the data are %s, the categories %s", dtype_name(c.dtype(0)), categories_->is_text ? "strings" : "int64");
    zeros_ = c.attr_int("zeros", 1) != 0;
    c.set(0, DType::Float);
    if (!c.has_rank(0)) return {};
    Shape shape = c.shape(0);
    if (shape.rank() == kMaxRank) return error(Code::UnsupportedOperator, "the data have too many dimensions");
    shape.push_back(categories_->count);
    c.set(0, DType::Float, shape);
    return {};
  }

  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    int64_t n = categories_->count;
    std::atomic<int64_t> unknown{-1};
    ENGINE_TRY(r.parallel(x.elements(), 40.0 + double(n) * 0.2, [&](int64_t begin, int64_t end, int) {
      float* y = r.out<float>(0);
      std::fill(y + begin * n, y + end * n, 0.0f);
      for (int64_t i = begin; i < end; ++i) {
        int64_t at = position(x, i);
        if (at >= 0) y[i * n + at] = 1;
        else if (!zeros_) unknown.store(i, std::memory_order_relaxed);
      }
    }));
    if (unknown.load() < 0) return {};
    return error(Code::InvalidInput, "element %lld is none of the categories", (long long)unknown.load());
  }

 private:
  static Result<std::shared_ptr<const OneHotCategories>> build(const InferContext& c) {
    std::vector<std::string> texts = c.attr_strings("cats_strings");
    std::vector<int64_t> numbers = c.attr_ints("cats_int64s");
    if (texts.empty() == numbers.empty())
      return error(Code::InvalidModel, "one of the attributes cats_strings and cats_int64s must be given");
    return std::make_shared<const OneHotCategories>(OneHotCategories{
        PositionTable<std::string>(texts.data(), int64_t(texts.size())), PositionTable<int64_t>(numbers.data(), int64_t(numbers.size())),
        int64_t(texts.size() + numbers.size()), !texts.empty()});
  }

  int64_t position(const Tensor& x, int64_t i) const {
    switch (x.dtype) {
      case DType::String: return categories_->texts.find(x.as<std::string>()[i]);
      case DType::Float:
      case DType::Double: {
        double v = number_at(x, i);
        return v >= -0x1p63 && v < 0x1p63 ? categories_->numbers.find(int64_t(v)) : -1;
      }
      default: return categories_->numbers.find(integer_at(x, i));
    }
  }

  bool zeros_ = true;
  std::shared_ptr<const OneHotCategories> categories_;
};

}  // namespace

void op_one_hot_encoder(OpTable& t) { t.add<OneHotEncoder>("ai.onnx.ml", "OneHotEncoder", 1, 1, 1); }

}  // namespace engine

#include <unordered_set>

#include "kernels/text/utf8.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr int64_t kPiece = 2048;

enum class CaseChange : uint8_t { none, lower, upper };

// The attribute locale only chooses the language of case mapping; the mapping here is Unicode's simple one, for all.
class StringNormalizer final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kString));
    std::string change = c.attr_string("case_change_action", "NONE");
    if (change == "NONE") change_ = CaseChange::none;
    else if (change == "LOWER") change_ = CaseChange::lower;
    else if (change == "UPPER") change_ = CaseChange::upper;
    else return error(Code::InvalidModel, "case_change_action is '%s'; NONE, LOWER and UPPER are allowed", change.c_str());
    case_sensitive_ = c.attr_int("is_case_sensitive", 0) != 0;
    stop_.clear();
    for (std::string& word : c.attr_strings("stopwords")) stop_.insert(case_sensitive_ ? std::move(word) : to_lower(word));
    if (c.has_rank(0)) ENGINE_TRY(check_shape(c.shape(0)));
    c.set(0, DType::String);
    if (c.has_rank(0)) c.set(0, DType::String, Shape::filled(c.shape(0).rank(), kUnknownDim));
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    ENGINE_TRY(check_shape(x.shape));
    std::vector<std::string> kept;
    kept.reserve(size_t(x.elements()));
    int64_t work = 0;
    for (int64_t i = 0; i < x.elements(); ++i) {
      const std::string& word = x.as<std::string>()[i];
      if (!is_stop_word(word)) kept.push_back(changed(word));
      if ((work += int64_t(word.size()) + 16) > (1 << 12)) {
        work = 0;
        ENGINE_TRY(r.checkpoint());
      }
    }
    if (kept.empty()) kept.emplace_back();
    Shape shape = x.shape.rank() == 2 ? Shape{1, int64_t(kept.size())} : Shape{int64_t(kept.size())};
    ENGINE_TRY(r.allocate(0, DType::String, shape));
    return in_pieces(r, int64_t(kept.size()), kPiece, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) r.out<std::string>(0)[i] = std::move(kept[size_t(i)]);
    });
  }

 private:
  static Status check_shape(const Shape& s) {
    if (s.rank() == 1 || (s.rank() == 2 && (s[0] == 1 || s[0] == kUnknownDim))) return {};
    return error(Code::InvalidModel, "the data have shape %s; [C] and [1, C] are allowed", s.text().c_str());
  }

  bool is_stop_word(const std::string& word) const {
    return !stop_.empty() && stop_.count(case_sensitive_ ? word : to_lower(word)) > 0;
  }

  std::string changed(const std::string& word) const {
    if (change_ == CaseChange::none) return word;
    return change_ == CaseChange::lower ? to_lower(word) : to_upper(word);
  }

  CaseChange change_ = CaseChange::none;
  bool case_sensitive_ = false;
  std::unordered_set<std::string> stop_;
};

}  // namespace

void op_string_normalizer(OpTable& t) { t.add<StringNormalizer>("", "StringNormalizer", 10, 1, 1); }

}  // namespace engine

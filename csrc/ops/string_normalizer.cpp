#include <algorithm>
#include <unordered_set>

#include "kernels/text/utf8.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr int64_t kPiece = 2048;
constexpr size_t kBytesBetweenChecks = 4096;

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
    size_t work = 0;
    bool going = true;
    auto go = [&](size_t bytes) {
      if ((work += bytes) > kBytesBetweenChecks) {
        work = 0;
        going = going && goes_on(r, 0);
      }
      return going;
    };
    for (int64_t i = 0; i < x.elements(); ++i) {
      const std::string& word = x.as<std::string>()[i];
      if (!is_stop_word(word, go)) kept.push_back(mapped(word, change_, go));
      if (!go(16)) return r.context().control().status();
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

  template <class Go>
  bool is_stop_word(const std::string& word, Go&& go) const {
    return !stop_.empty() && stop_.count(mapped(word, case_sensitive_ ? CaseChange::none : CaseChange::lower, go)) > 0;
  }

  // Asks go() now and then; what it returns when that said no is not used.
  template <class Go>
  static std::string mapped(std::string_view word, CaseChange change, Go&& go) {
    if (change == CaseChange::none) return std::string(word);
    std::string out;
    while (!word.empty()) {
      size_t end = std::min(kBytesBetweenChecks, word.size());
      while (end < word.size() && (uint8_t(word[end]) & 0xc0) == 0x80) ++end;
      out += change == CaseChange::lower ? to_lower(word.substr(0, end)) : to_upper(word.substr(0, end));
      word.remove_prefix(end);
      if (!go(end)) break;
    }
    return out;
  }

  CaseChange change_ = CaseChange::none;
  bool case_sensitive_ = false;
  std::unordered_set<std::string> stop_;
};

}  // namespace

void op_string_normalizer(OpTable& t) { t.add<StringNormalizer>("", "StringNormalizer", 10, 1, 1); }

}  // namespace engine

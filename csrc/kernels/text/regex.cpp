#include "kernels/text/regex.h"

#include "kernels/text/regex_parser.h"

namespace engine {

// From a tree to steps.
class RegexCompiler {
 public:
  explicit RegexCompiler(Regex* out) : out_(*out) {}

  Status run(const RegexTree& tree) {
    ENGINE_TRY(emit(tree));
    add({RegexStep::match});
    return {};
  }

 private:
  int32_t here() const { return int32_t(out_.steps_.size()); }
  int32_t add(RegexStep step) {
    out_.steps_.push_back(step);
    return here() - 1;
  }

  Status emit(const RegexTree& t) {
    if (here() > Regex::kMostSteps || ++visits_ > int64_t(Regex::kMostSteps) * 8) return error(Code::UnsupportedOperator, "the pattern is too large: more than %d steps", Regex::kMostSteps);
    switch (t.kind) {
      case RegexTree::empty: return {};
      case RegexTree::take: return emit_take(t);
      case RegexTree::assertion: add({RegexStep::assertion, int32_t(t.assert_kind), here() + 1}); return {};
      case RegexTree::choice: return emit_choice(t);
      case RegexTree::repeat: return emit_repeat(t);
      case RegexTree::sequence:
        for (const auto& part : t.parts) ENGINE_TRY(emit(*part));
        return {};
    }
    return {};
  }

  Status emit_take(const RegexTree& t) {
    RegexClass set;
    set.ranges = t.ranges;
    for (const RegexRange& r : set.ranges)
      for (uint32_t c = r.first; c <= r.last && c < 128; ++c) set.ascii[c / 64] |= uint64_t(1) << (c % 64);
    out_.classes_.push_back(std::move(set));
    add({RegexStep::take, int32_t(out_.classes_.size()) - 1, here() + 1});
    return {};
  }

  Status emit_choice(const RegexTree& t) {
    std::vector<int32_t> jumps;
    for (size_t i = 0; i < t.parts.size(); ++i) {
      bool last = i + 1 == t.parts.size();
      int32_t split = last ? -1 : add({RegexStep::split, here() + 1, 0});
      ENGINE_TRY(emit(*t.parts[i]));
      if (last) break;
      jumps.push_back(add({RegexStep::jump}));
      out_.steps_[size_t(split)].b = here();
    }
    for (int32_t j : jumps) out_.steps_[size_t(j)].a = here();
    return {};
  }

  Status emit_repeat(const RegexTree& t) {
    for (int32_t i = 0; i < t.least; ++i) ENGINE_TRY(emit(*t.parts[0]));
    if (t.most < 0) {
      int32_t split = add({RegexStep::split, here() + 1, 0});
      ENGINE_TRY(emit(*t.parts[0]));
      add({RegexStep::jump, split});
      out_.steps_[size_t(split)].b = here();
      return {};
    }
    std::vector<int32_t> splits;
    for (int32_t i = t.least; i < t.most; ++i) {
      splits.push_back(add({RegexStep::split, here() + 1, 0}));
      ENGINE_TRY(emit(*t.parts[0]));
    }
    for (int32_t s : splits) out_.steps_[size_t(s)].b = here();
    return {};
  }

  Regex& out_;
  int64_t visits_ = 0;  // bounds repetitions of nothing
};

Result<Regex> Regex::compile(std::string_view pattern) {
  ENGINE_ASSIGN(std::unique_ptr<RegexTree> tree, parse_regex(pattern));
  Regex out;
  ENGINE_TRY(RegexCompiler(&out).run(*tree));
  return out;
}

}  // namespace engine

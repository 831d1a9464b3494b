#include <algorithm>

#include "kernels/text/regex.h"
#include "ops/op.h"

namespace engine {
namespace {

constexpr double kStepNs = 4;

class RegexFullMatch final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kString));
    ENGINE_ASSIGN(regex_, Regex::compile(c.attr_string("pattern", "")));
    TypeInfo type = c.type(0);
    type.dtype = DType::Bool;
    c.set(0, type);
    return {};
  }

  Status run(OpRun& r) const override {
    const std::string* x = r.in<std::string>(0);
    int64_t n = r.in(0).elements();
    if (n == 0) return {};
    size_t bytes = 0;
    for (int64_t i = 0; i < n; ++i) bytes += x[i].size();
    double ns = 100 + kStepNs * (double(bytes) / double(n) + 1) * std::min(regex_.steps(), 64);
    RunControl& control = r.context().control();
    return r.parallel(n, ns, [&](int64_t begin, int64_t end, int worker) {
      RegexMatcher matcher(regex_);
      auto go = [&] { return worker == 0 ? control.check() : control.go(); };
      for (int64_t i = begin; i < end; ++i) r.out<bool>(0)[i] = matches(matcher, x[i], go);
    });
  }

 private:
  // Feeds pieces of bounded work, asking between them whether to go on.
  template <class Go>
  bool matches(RegexMatcher& matcher, std::string_view text, Go&& go) const {
    size_t piece = std::max<size_t>(4, size_t(50e3 / kStepNs) / size_t(regex_.steps()));
    matcher.start();
    while (!text.empty()) {
      size_t end = std::min(piece, text.size());
      while (end < text.size() && (uint8_t(text[end]) & 0xc0) == 0x80) ++end;
      if (!matcher.feed(text.substr(0, end))) return false;
      text.remove_prefix(end);
      if (!text.empty() && !go()) return false;
    }
    return matcher.finish();
  }

  Regex regex_;
};

}  // namespace

void op_regex_full_match(OpTable& t) { t.add<RegexFullMatch>("", "RegexFullMatch", 20, 1, 1); }

}  // namespace engine

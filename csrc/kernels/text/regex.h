// Regular expressions in RE2's syntax, matched in time linear in the text: all ways are followed at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace engine {

struct RegexRange {
  uint32_t first, last;
};

// A set of code points: sorted ranges that do not touch.
struct RegexClass {
  std::vector<RegexRange> ranges;
  uint64_t ascii[2] = {};  // the code points below 128 once more
  bool has(uint32_t c) const;
};

enum class RegexAssert : uint8_t { text_begin, text_end, line_begin, line_end, word_boundary, no_word_boundary };

struct RegexStep {
  enum Kind : uint8_t { take, split, jump, assertion, match } kind;
  int32_t a = 0, b = 0;  // take: class, then the next step. split: both ways. jump: to. assertion: RegexAssert, then the next step.
};

// A compiled pattern. Immutable.
class Regex {
 public:
  // InvalidModel for a malformed pattern; UnsupportedOperator for \p classes, \C and patterns of more than kMostSteps steps.
  static Result<Regex> compile(std::string_view pattern);
  static constexpr int32_t kMostSteps = 20000;

  int32_t steps() const { return int32_t(steps_.size()); }

 private:
  friend class RegexMatcher;
  friend class RegexCompiler;
  std::vector<RegexStep> steps_;
  std::vector<RegexClass> classes_;
};

// Whether a whole text matches. A text may be fed in pieces, cut between code points. One thread at a time.
class RegexMatcher {
 public:
  explicit RegexMatcher(const Regex& regex);
  void start();
  // False when no continuation can match any more.
  bool feed(std::string_view piece);
  // True when what was fed since start() matches.
  bool finish();

 private:
  void close(uint32_t next);
  bool holds(RegexAssert assertion, uint32_t next) const;

  const Regex& regex_;
  std::vector<int32_t> open_, closed_, stack_;
  std::vector<uint32_t> mark_;
  uint32_t round_ = 0;
  uint32_t previous_ = 0;
  bool matched_ = false;
};

}  // namespace engine

#include <algorithm>

#include "kernels/text/regex.h"
#include "kernels/text/utf8.h"

namespace engine {
namespace {

constexpr uint32_t kNoText = 0xffffffff;  // before the first and after the last code point

bool is_word(uint32_t c) { return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

bool RegexClass::has(uint32_t c) const {
  if (c < 128) return ascii[c / 64] >> (c % 64) & 1;
  auto it = std::upper_bound(ranges.begin(), ranges.end(), c, [](uint32_t v, const RegexRange& r) { return v < r.first; });
  return it != ranges.begin() && c <= (it - 1)->last;
}

RegexMatcher::RegexMatcher(const Regex& regex) : regex_(regex), mark_(size_t(regex.steps()), 0) { start(); }

void RegexMatcher::start() {
  open_.assign(1, 0);
  previous_ = kNoText;
}

bool RegexMatcher::holds(RegexAssert assertion, uint32_t next) const {
  switch (assertion) {
    case RegexAssert::text_begin: return previous_ == kNoText;
    case RegexAssert::text_end: return next == kNoText;
    case RegexAssert::line_begin: return previous_ == kNoText || previous_ == '\n';
    case RegexAssert::line_end: return next == kNoText || next == '\n';
    case RegexAssert::word_boundary: return is_word(previous_) != is_word(next);
    case RegexAssert::no_word_boundary: return is_word(previous_) == is_word(next);
  }
  return false;
}

// Follows everything that takes no code point: closed_ becomes the steps that take one, matched_ whether the end is reached.
void RegexMatcher::close(uint32_t next) {
  ++round_;
  closed_.clear();
  matched_ = false;
  stack_.assign(open_.begin(), open_.end());
  while (!stack_.empty()) {
    int32_t at = stack_.back();
    stack_.pop_back();
    if (mark_[size_t(at)] == round_) continue;
    mark_[size_t(at)] = round_;
    const RegexStep& step = regex_.steps_[size_t(at)];
    switch (step.kind) {
      case RegexStep::take: closed_.push_back(at); break;
      case RegexStep::match: matched_ = true; break;
      case RegexStep::jump: stack_.push_back(step.a); break;
      case RegexStep::split:
        stack_.push_back(step.a);
        stack_.push_back(step.b);
        break;
      case RegexStep::assertion:
        if (holds(RegexAssert(step.a), next)) stack_.push_back(step.b);
        break;
    }
  }
}

bool RegexMatcher::feed(std::string_view piece) {
  for (size_t at = 0; at < piece.size() && !open_.empty();) {
    uint32_t c = next_code_point(piece, &at);
    close(c);
    open_.clear();
    for (int32_t step : closed_)
      if (regex_.classes_[size_t(regex_.steps_[size_t(step)].a)].has(c)) open_.push_back(regex_.steps_[size_t(step)].b);
    previous_ = c;
  }
  return !open_.empty();
}

bool RegexMatcher::finish() {
  if (open_.empty()) return false;
  close(kNoText);
  return matched_;
}

}  // namespace engine

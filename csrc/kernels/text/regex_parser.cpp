#include "kernels/text/regex_parser.h"

#include <algorithm>
#include <string>

#include "kernels/text/utf8.h"

namespace engine {
namespace {

constexpr uint32_t kLastCodePoint = 0x10ffff;
constexpr int32_t kMostRepeats = 1000;
constexpr int kMostDepth = 200;

using Tree = std::unique_ptr<RegexTree>;
using Ranges = std::vector<RegexRange>;

Tree make_tree(RegexTree::Kind kind) {
  auto t = std::make_unique<RegexTree>();
  t->kind = kind;
  return t;
}

Tree take(Ranges ranges) {
  Tree t = make_tree(RegexTree::take);
  t->ranges = normalize_ranges(std::move(ranges));
  return t;
}

Tree assertion(RegexAssert kind) {
  Tree t = make_tree(RegexTree::assertion);
  t->assert_kind = kind;
  return t;
}

Ranges complement(Ranges ranges) {
  ranges = normalize_ranges(std::move(ranges));
  Ranges out;
  uint32_t from = 0;
  for (const RegexRange& r : ranges) {
    if (r.first > from) out.push_back({from, r.first - 1});
    from = r.last + 1;
  }
  if (from <= kLastCodePoint) out.push_back({from, kLastCodePoint});
  return out;
}

// Every code point of the ranges in both cases.
Ranges both_cases(Ranges ranges) {
  Ranges out = ranges;
  auto add = [&](uint32_t c) { out.push_back({c, c}); };
  for (const RegexRange& r : ranges) {
    uint32_t last = std::min<uint32_t>(r.last, 0x1ffff);
    for (uint32_t c = r.first; c <= last; ++c) {
      uint32_t upper = to_upper(c), lower = to_lower(c);
      if (upper != c) add(upper);
      if (lower != c) add(lower);
    }
    if (r.first <= 'k' && 'k' <= r.last) add(0x212a);
    if (r.first <= 's' && 's' <= r.last) add(0x017f);
  }
  return out;
}

struct NamedClass {
  const char* name;
  Ranges ranges;
};

const Ranges* find_class(std::string_view name) {
  static const std::vector<NamedClass>* classes = new std::vector<NamedClass>{
      {"d", {{'0', '9'}}},
      {"w", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
      {"s", {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}},
      {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
      {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
      {"ascii", {{0, 127}}},
      {"blank", {{'\t', '\t'}, {' ', ' '}}},
      {"cntrl", {{0, 31}, {127, 127}}},
      {"digit", {{'0', '9'}}},
      {"graph", {{'!', '~'}}},
      {"lower", {{'a', 'z'}}},
      {"print", {{' ', '~'}}},
      {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
      {"space", {{'\t', '\r'}, {' ', ' '}}},
      {"upper", {{'A', 'Z'}}},
      {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
      {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
  };
  for (const NamedClass& c : *classes)
    if (name == c.name) return &c.ranges;
  return nullptr;
}

class Parser {
 public:
  explicit Parser(std::string_view pattern) : text_(pattern) {}

  Result<Tree> run() {
    ENGINE_ASSIGN(Tree tree, choice(0));
    if (!done()) return bad("an unexpected ')'");
    return tree;
  }

 private:
  bool done() const { return at_ >= text_.size(); }
  char peek() const { return done() ? '\0' : text_[at_]; }
  bool next_is(std::string_view s) const { return text_.substr(std::min(at_, text_.size()), s.size()) == s; }
  bool skip(std::string_view s) {
    if (!next_is(s)) return false;
    at_ += s.size();
    return true;
  }
  Status bad(const char* what) const {
    return error(Code::InvalidModel, "the pattern has %s at position %zu", what, at_);
  }

  Result<Tree> choice(int depth) {
    if (depth > kMostDepth) return error(Code::UnsupportedOperator, "the pattern is nested more than %d deep", kMostDepth);
    Tree out = make_tree(RegexTree::choice);
    do {
      ENGINE_ASSIGN(Tree part, sequence(depth));
      out->parts.push_back(std::move(part));
    } while (skip("|"));
    if (out->parts.size() == 1) return std::move(out->parts[0]);
    return out;
  }

  Result<Tree> sequence(int depth) {
    Tree out = make_tree(RegexTree::sequence);
    while (!done() && peek() != '|' && peek() != ')') {
      if (skip("\\Q")) {
        while (!done() && !skip("\\E")) out->parts.push_back(literal(next_code_point(text_, &at_)));
        continue;
      }
      ENGINE_ASSIGN(Tree part, atom(depth));
      if (!part) continue;
      ENGINE_ASSIGN(Tree repeated, repeats(std::move(part)));
      out->parts.push_back(std::move(repeated));
    }
    return out;
  }

  Tree literal(uint32_t c) const {
    Ranges ranges = {{c, c}};
    return take(fold_ ? both_cases(ranges) : ranges);
  }

  Result<Tree> repeats(Tree part) {
    bool repeated = false;
    for (;;) {
      int32_t least, most;
      if (skip("*")) least = 0, most = -1;
      else if (skip("+")) least = 1, most = -1;
      else if (skip("?")) least = 0, most = 1;
      else if (peek() == '{' && bounds(&least, &most)) {
        if (least > kMostRepeats || most > kMostRepeats || (most >= 0 && most < least)) return bad("a wrong repetition");
      } else {
        return part;
      }
      if (repeated) return bad("a repetition of a repetition");
      repeated = true;
      skip("?");
      Tree out = make_tree(RegexTree::repeat);
      out->least = least;
      out->most = most;
      out->parts.push_back(std::move(part));
      part = std::move(out);
    }
  }

  // "{n}", "{n,}", "{n,m}"; anything else is no repetition but text.
  bool bounds(int32_t* least, int32_t* most) {
    size_t at = at_ + 1;
    if (!number(&at, least)) return false;
    *most = *least;
    if (at < text_.size() && text_[at] == ',') {
      ++at;
      *most = -1;
      if (at < text_.size() && text_[at] != '}' && !number(&at, most)) return false;
    }
    if (at >= text_.size() || text_[at] != '}') return false;
    at_ = at + 1;
    return true;
  }

  bool number(size_t* at, int32_t* out) const {
    size_t begin = *at;
    int64_t n = 0;
    for (; *at < text_.size() && text_[*at] >= '0' && text_[*at] <= '9'; ++*at) n = std::min<int64_t>(n * 10 + (text_[*at] - '0'), 1000000);
    *out = int32_t(n);
    return *at > begin;
  }

  // Null for what leaves nothing behind (a change of flags).
  Result<Tree> atom(int depth) {
    switch (peek()) {
      case '(': return group(depth);
      case '[': return bracket();
      case '\\': return escape();
      case '*':
      case '+':
      case '?': return bad("a repetition of nothing");
      case '.': ++at_; return take(dot_all_ ? complement({}) : complement({{'\n', '\n'}}));
      case '^': ++at_; return assertion(multi_line_ ? RegexAssert::line_begin : RegexAssert::text_begin);
      case '$': ++at_; return assertion(multi_line_ ? RegexAssert::line_end : RegexAssert::text_end);
      default: break;
    }
    uint32_t c = next_code_point(text_, &at_);
    if (c > kLastCodePoint) return bad("a byte that is no UTF-8");
    return literal(c);
  }

  Result<Tree> group(int depth) {
    ++at_;
    bool fold = fold_, multi_line = multi_line_, dot_all = dot_all_;
    if (skip("?")) {
      if (skip("P<") || skip("<")) {
        ENGINE_TRY(group_name());
      } else {
        ENGINE_ASSIGN(bool only_flags, flags());
        if (only_flags) return Tree();
      }
    }
    ENGINE_ASSIGN(Tree inner, choice(depth + 1));
    if (!skip(")")) return bad("a '(' without ')'");
    fold_ = fold;
    multi_line_ = multi_line;
    dot_all_ = dot_all;
    return inner;
  }

  Status group_name() {
    size_t begin = at_;
    while (!done() && peek() != '>') ++at_;
    if (at_ == begin || !skip(">")) return bad("a wrong group name");
    return {};
  }

  // "i", "-s", "im-s" up to ":" (false: a group follows) or ")" (true: flags for what follows).
  Result<bool> flags() {
    bool on = true;
    for (; !done(); ++at_) {
      switch (peek()) {
        case 'i': fold_ = on; break;
        case 'm': multi_line_ = on; break;
        case 's': dot_all_ = on; break;
        case 'U': break;
        case '-': on = false; break;
        case ':': ++at_; return false;
        case ')': ++at_; return true;
        default: return bad("an unknown group flag");
      }
    }
    return bad("a '(' without ')'");
  }

  Result<Tree> escape() {
    char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    switch (c) {
      case 'A': at_ += 2; return assertion(RegexAssert::text_begin);
      case 'z': at_ += 2; return assertion(RegexAssert::text_end);
      case 'b': at_ += 2; return assertion(RegexAssert::word_boundary);
      case 'B': at_ += 2; return assertion(RegexAssert::no_word_boundary);
      default: break;
    }
    ENGINE_ASSIGN(Ranges ranges, escaped());
    return take(fold_ ? both_cases(ranges) : ranges);
  }

  // What "\..." at the current position stands for, as a set.
  Result<Ranges> escaped() {
    ++at_;
    if (done()) return bad("a '\\' at its end");
    char c = text_[at_];
    if (c == 'p' || c == 'P' || c == 'C') return error(Code::UnsupportedOperator, "the pattern has \\%c, which is not supported", c);
    char lower = char(c | 0x20);
    if (lower == 'd' || lower == 'w' || lower == 's') {
      ++at_;
      const Ranges& ranges = *find_class(std::string_view(&lower, 1));
      return c == lower ? ranges : complement(ranges);
    }
    ENGINE_ASSIGN(uint32_t code_point, escaped_character());
    return Ranges{{code_point, code_point}};
  }

  Result<uint32_t> escaped_character() {
    char c = text_[at_++];
    switch (c) {
      case 'a': return uint32_t(7);
      case 'f': return uint32_t('\f');
      case 't': return uint32_t('\t');
      case 'n': return uint32_t('\n');
      case 'r': return uint32_t('\r');
      case 'v': return uint32_t('\v');
      case 'x': return hexadecimal();
      default: break;
    }
    if (c == '0' || (c >= '1' && c <= '7' && peek() >= '0' && peek() <= '7')) {
      uint32_t value = uint32_t(c - '0');
      for (int k = 0; k < 2 && peek() >= '0' && peek() <= '7'; ++k) value = value * 8 + uint32_t(text_[at_++] - '0');
      return value;
    }
    bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alphanumeric || uint8_t(c) >= 0x80) return bad("an unknown escape");
    return uint32_t(uint8_t(c));
  }

  Result<uint32_t> hexadecimal() {
    bool braces = skip("{");
    uint32_t value = 0;
    int digits = 0;
    for (; !done() && (braces || digits < 2); ++digits, ++at_) {
      char c = char(text_[at_] | 0x20);
      if (c >= '0' && c <= '9') value = value * 16 + uint32_t(c - '0');
      else if (c >= 'a' && c <= 'f') value = value * 16 + uint32_t(c - 'a' + 10);
      else break;
      if (value > kLastCodePoint) return bad("a wrong \\x");
    }
    if (digits == 0 || (braces && !skip("}")) || (!braces && digits != 2)) return bad("a wrong \\x");
    return value;
  }

  Result<Tree> bracket() {
    ++at_;
    bool negated = skip("^");
    Ranges ranges;
    for (bool first = true; first || peek() != ']'; first = false) {
      if (done()) return bad("a '[' without ']'");
      ENGINE_ASSIGN(Ranges item, bracket_item());
      ranges.insert(ranges.end(), item.begin(), item.end());
    }
    ++at_;
    if (fold_) ranges = both_cases(std::move(ranges));
    return take(negated ? complement(std::move(ranges)) : std::move(ranges));
  }

  Result<Ranges> bracket_item() {
    if (next_is("[:")) {
      size_t end = text_.find(":]", at_ + 2);
      if (end != std::string_view::npos) {
        std::string_view name = text_.substr(at_ + 2, end - at_ - 2);
        bool negated = !name.empty() && name[0] == '^';
        const Ranges* ranges = find_class(negated ? name.substr(1) : name);
        if (!ranges || name.size() < (negated ? 4u : 3u)) return bad("an unknown class name");
        at_ = end + 2;
        return negated ? complement(*ranges) : *ranges;
      }
    }
    ENGINE_ASSIGN(Ranges low, bracket_character());
    if (peek() != '-' || at_ + 1 >= text_.size() || text_[at_ + 1] == ']' || low.size() != 1 || low[0].first != low[0].last) return low;
    ++at_;
    ENGINE_ASSIGN(Ranges high, bracket_character());
    if (high.size() != 1 || high[0].first != high[0].last || high[0].first < low[0].first) return bad("a wrong range");
    return Ranges{{low[0].first, high[0].first}};
  }

  Result<Ranges> bracket_character() {
    if (peek() == '\\') return escaped();
    if (done()) return bad("a '[' without ']'");
    uint32_t c = next_code_point(text_, &at_);
    if (c > kLastCodePoint) return bad("a byte that is no UTF-8");
    return Ranges{{c, c}};
  }

  std::string_view text_;
  size_t at_ = 0;
  bool fold_ = false, multi_line_ = false, dot_all_ = false;
};

}  // namespace

Result<Tree> parse_regex(std::string_view pattern) { return Parser(pattern).run(); }

Ranges normalize_ranges(Ranges ranges) {
  std::sort(ranges.begin(), ranges.end(), [](const RegexRange& a, const RegexRange& b) { return a.first < b.first; });
  Ranges out;
  for (const RegexRange& r : ranges) {
    if (!out.empty() && r.first <= out.back().last + 1) out.back().last = std::max(out.back().last, r.last);
    else out.push_back(r);
  }
  return out;
}

}  // namespace engine

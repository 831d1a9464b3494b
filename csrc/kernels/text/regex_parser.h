// From a pattern to a tree.
#pragma once

#include <memory>
#include <vector>

#include "kernels/text/regex.h"

namespace engine {

struct RegexTree {
  enum Kind : uint8_t { empty, take, sequence, choice, repeat, assertion } kind = empty;
  std::vector<RegexRange> ranges;                     // take
  std::vector<std::unique_ptr<RegexTree>> parts;      // sequence, choice; repeat: one
  int32_t least = 0, most = 0;                        // repeat; most -1: no bound
  RegexAssert assert_kind = RegexAssert::text_begin;  // assertion
};

Result<std::unique_ptr<RegexTree>> parse_regex(std::string_view pattern);

// Sorts and joins.
std::vector<RegexRange> normalize_ranges(std::vector<RegexRange> ranges);

}  // namespace engine

// Einstein summation: the equation, and the sizes of its labels.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "ops/op.h"

namespace engine {

// A letter's character code, or kEinsumEllipsis + i for dimension i of those that "..." stands for.
using EinsumLabels = std::vector<int>;
inline constexpr int kEinsumEllipsis = 128;

struct EinsumEquation {
  std::vector<EinsumLabels> inputs;
  EinsumLabels output;
  std::array<int64_t, kEinsumEllipsis + kMaxRank> sizes{};  // by label
};

// One term as written: letters, with kEinsumEllipsis once for "...".
inline Result<EinsumLabels> parse_einsum_term(const std::string& text, size_t begin, size_t end) {
  EinsumLabels out;
  for (size_t i = begin; i < end; ++i) {
    const char ch = text[i];
    if (ch == ' ') continue;
    if (ch == '.') {
      if (text.compare(i, 3, "...") != 0 || i + 3 > end || std::count(out.begin(), out.end(), kEinsumEllipsis))
        return error(Code::InvalidModel, "equation '%s' has a misplaced '.'", text.c_str());
      out.push_back(kEinsumEllipsis);
      i += 2;
    } else if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')) {
      out.push_back(ch);
    } else {
      return error(Code::InvalidModel, "equation '%s' has the character '%c'", text.c_str(), ch);
    }
  }
  return out;
}

// "..." of a term with `rank` dimensions replaced by labels, aligned at the right of `most` ellipsis dimensions.
inline EinsumLabels expand_einsum_term(const EinsumLabels& term, int rank, int most) {
  EinsumLabels out;
  const int count = rank - (int(term.size()) - 1);
  for (int label : term) {
    if (label != kEinsumEllipsis) out.push_back(label);
    else
      for (int k = 0; k < count; ++k) out.push_back(kEinsumEllipsis + most - count + k);
  }
  return out;
}

// Without "->": the ellipsis, then the letters that occur once, in order.
inline EinsumLabels implicit_einsum_output(const std::vector<EinsumLabels>& terms) {
  std::array<int, kEinsumEllipsis + 1> seen{};
  for (const EinsumLabels& term : terms)
    for (int label : term) ++seen[size_t(label)];
  EinsumLabels out;
  if (seen[kEinsumEllipsis]) out.push_back(kEinsumEllipsis);
  for (int label = 0; label < kEinsumEllipsis; ++label)
    if (seen[size_t(label)] == 1) out.push_back(label);
  return out;
}

// REQUIRES: every input's rank is known. Sizes are kUnknownDim where no input tells them.
inline Result<EinsumEquation> read_einsum(const InferContext& c) {
  const std::string text = c.attr_string("equation", "");
  const size_t arrow = text.find("->"), left = arrow == std::string::npos ? text.size() : arrow;
  std::vector<EinsumLabels> terms;
  for (size_t begin = 0; begin <= left;) {
    size_t end = std::min(text.find(',', begin), left);
    ENGINE_ASSIGN(EinsumLabels term, parse_einsum_term(text, begin, end));
    terms.push_back(std::move(term));
    begin = end + 1;
  }
  if (terms.size() != size_t(c.input_count()))
    return error(Code::InvalidModel, "equation '%s' has %zu terms for %d inputs", text.c_str(), terms.size(), c.input_count());
  EinsumLabels output = implicit_einsum_output(terms);
  if (arrow != std::string::npos) {
    ENGINE_ASSIGN(output, parse_einsum_term(text, arrow + 2, text.size()));
  }
  int most = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    const int rank = c.shape(int(i)).rank(), letters = int(terms[i].size());
    const bool ellipsis = std::count(terms[i].begin(), terms[i].end(), kEinsumEllipsis) > 0;
    if (ellipsis ? rank < letters - 1 : rank != letters)
      return error(Code::InvalidModel, "equation '%s': input %zu has %d dimensions", text.c_str(), i, rank);
    if (ellipsis) most = std::max(most, rank - (letters - 1));
  }
  EinsumEquation e;
  e.sizes.fill(0);
  for (size_t i = 0; i < terms.size(); ++i) {
    e.inputs.push_back(expand_einsum_term(terms[i], c.shape(int(i)).rank(), most));
    for (int k = 0; k < c.shape(int(i)).rank(); ++k) {
      const int64_t size = c.shape(int(i))[k];
      int64_t& known = e.sizes[size_t(e.inputs[i][size_t(k)])];
      if (known == 0 || known == 1 || known == kUnknownDim) known = size == 1 && known != 0 ? known : size == 0 ? -2 : size;
      else if (size != known && size != 1 && size != kUnknownDim && !(size == 0 && known == -2))
        return error(Code::InvalidModel, "equation '%s': a dimension of input %zu is %lld, elsewhere %lld", text.c_str(), i, (long long)size,
                     (long long)(known == -2 ? 0 : known));
    }
  }
  for (int64_t& size : e.sizes)
    if (size == -2) size = 0;
  e.output = expand_einsum_term(output, int(output.size()) - 1 + most, most);
  for (size_t k = 0; k < e.output.size(); ++k) {
    const int label = e.output[k];
    bool found = std::count(e.output.begin(), e.output.end(), label) == 1, known = false;
    for (const EinsumLabels& term : e.inputs) known = known || std::count(term.begin(), term.end(), label) > 0;
    if (!found || !known) return error(Code::InvalidModel, "equation '%s': the output's labels do not fit the inputs'", text.c_str());
  }
  if (e.output.size() > size_t(kMaxRank)) return error(Code::InvalidModel, "the result has more than %d dimensions", kMaxRank);
  return e;
}

}  // namespace engine

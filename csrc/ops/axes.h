// Lists of axes, as attributes and inputs give them.
#pragma once

#include <span>
#include <vector>

#include "ops/op.h"

namespace engine {

// Each axis in [0, rank), in the order given; InvalidModel when one is out of range or there twice.
inline Result<std::vector<int>> normalize_axes(std::span<const int64_t> axes, int rank) {
  std::vector<int> out;
  bool seen[kMaxRank] = {};
  for (int64_t axis : axes) {
    ENGINE_ASSIGN(int a, normalize_axis(axis, rank));
    if (seen[a]) return error(Code::InvalidModel, "axis %lld is given twice", (long long)axis);
    seen[a] = true;
    out.push_back(a);
  }
  return out;
}

// The dtype of input i must be int32 or int64, and its shape, where known, 1-D (a scalar counts as one element).
inline Status require_integer_list(const InferContext& c, int i) {
  ENGINE_TRY(c.require(i, dtypes::kIndex));
  if (c.has_rank(i) && c.shape(i).rank() > 1)
    return error(Code::InvalidModel, "input %d has shape %s; a list of integers is 1-D", i, c.shape(i).text().c_str());
  return {};
}

// Input i must hold one element, where its shape is known.
inline Status require_scalar(const InferContext& c, int i) {
  if (c.known(i) && c.shape(i).elements() != 1)
    return error(Code::InvalidModel, "input %d has shape %s; one element is allowed", i, c.shape(i).text().c_str());
  return {};
}

// Where the axes come from in a version: an attribute before opset `since`, input i from then on.
enum class ListState { Absent, Unknown, Known };

// Reads a list of integers from input i when `from_input`, else from the attribute. Unknown: the input's elements are not known yet.
inline Result<ListState> read_list(const InferContext& c, bool from_input, int i, const char* attribute, std::vector<int64_t>* out) {
  out->clear();
  if (!from_input) {
    if (!c.has(attribute)) return ListState::Absent;
    *out = c.attr_ints(attribute);
    return ListState::Known;
  }
  if (!c.has_input(i)) return ListState::Absent;
  ENGINE_TRY(require_integer_list(c, i));
  if (!c.value(i)) return ListState::Unknown;
  *out = c.integers(i);
  return ListState::Known;
}

}  // namespace engine

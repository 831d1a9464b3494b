// GatherElements and ScatterElements: an index per element, along one axis.
#pragma once

#include "ops/element.h"
#include "ops/indices.h"
#include "ops/row_walk.h"

namespace engine {

// Indices must have the data's rank and be no longer than the data on other axes than `axis`.
inline Status check_along_axis(const Shape& data, const Shape& indices, int axis) {
  if (data.rank() != indices.rank())
    return error(Code::InvalidModel, "indices have %d dimensions, the data %d", indices.rank(), data.rank());
  for (int i = 0; i < data.rank(); ++i)
    if (i != axis && data[i] != kUnknownDim && indices[i] > data[i])
      return error(Code::InvalidModel, "indices have shape %s, the data %s; dimension %d is too long", indices.text().c_str(),
                   data.text().c_str(), i);
  return {};
}

}  // namespace engine

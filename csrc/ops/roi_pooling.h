// What RoiAlign and MaxRoiPool share: regions of interest over an [n, channels, height, width] image.
#pragma once

#include <cmath>

#include "ops/axes.h"

namespace engine {

// Checks X (input 0) and the regions (input 1: [regions, columns]) and tells output 0's shape.
inline Status infer_roi_pooling(InferContext& c, int64_t columns, int64_t height, int64_t width) {
  ENGINE_TRY(c.require(0, dtypes::kFloats));
  ENGINE_TRY(c.require_same(0, 1));
  c.set(0, c.dtype(0));
  if (height < 1 || width < 1) return error(Code::InvalidModel, "the output is %lld x %lld", (long long)height, (long long)width);
  if (!c.has_rank(0) || !c.has_rank(1)) return {};
  const Shape &in = c.shape(0), &rois = c.shape(1);
  if (in.rank() != 4 || rois.rank() != 2 || (rois[1] != columns && rois[1] != kUnknownDim))
    return error(Code::InvalidModel, "X has shape %s, rois %s; [n, channels, height, width] and [regions, %lld] are allowed",
                 in.text().c_str(), rois.text().c_str(), (long long)columns);
  c.set(0, c.dtype(0), {rois[0], in[1], height, width});
  if (in.known() && (in[2] < 1 || in[3] < 1)) return error(Code::InvalidModel, "X of shape %s has no pixels", in.text().c_str());
  return {};
}

inline Status bad_region(int64_t region, const char* what) {
  return error(Code::InvalidInput, "region %lld: %s", (long long)region, what);
}

}  // namespace engine

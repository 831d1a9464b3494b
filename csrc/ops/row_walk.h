// Walking over indices of some dimensions in order, keeping a linear offset.
#pragma once

#include "tensor/shape.h"

namespace engine {

// The dimensions walked over and what one step along each adds to the offset.
struct RowWalk {
  int rank = 0;
  int64_t dims[kMaxRank], strides[kMaxRank];

  void add(int64_t dim, int64_t stride) {
    dims[rank] = dim;
    strides[rank++] = stride;
  }
  int64_t count() const {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= dims[i];
    return n;
  }

  // A position. REQUIRES: at < count().
  struct Cursor {
    Cursor(const RowWalk& walk, int64_t at) : walk(walk) {
      for (int i = walk.rank - 1; i >= 0; --i) {
        index[i] = at % walk.dims[i];
        at /= walk.dims[i];
        offset += index[i] * walk.strides[i];
      }
    }
    void next() {
      for (int i = walk.rank - 1; i >= 0; --i) {
        offset += walk.strides[i];
        if (++index[i] < walk.dims[i]) return;
        offset -= walk.dims[i] * walk.strides[i];
        index[i] = 0;
      }
    }
    const RowWalk& walk;
    int64_t index[kMaxRank];
    int64_t offset = 0;
  };
};

}  // namespace engine

// ArgMax and ArgMin: where the best element of each row is.
#pragma once

#include <algorithm>

#include "base/checked.h"
#include "ops/axes.h"

namespace engine {

// True when a comes before b: larger (smaller), or NaN where b is none.
template <bool Max, class T>
inline bool is_better(T a, T b) {
  if constexpr (std::is_integral_v<T>) return Max ? a > b : a < b;
  else if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) return (Max ? a > b : a < b) || (a != a && b == b);
  else return is_better<Max>(float(a), float(b));
}

// For each column: the best of rows x[i * stride + lane], i in [0, steps), and its first i. REQUIRES: 0 < steps < 2^31.
template <bool Max, class T>
inline void best_in_lanes(const T* x, int64_t steps, int64_t stride, int lanes, T* best, int32_t* where) {
  for (int l = 0; l < lanes; ++l) {
    best[l] = x[l];
    where[l] = 0;
  }
  for (int32_t i = 1; i < int32_t(steps); ++i) {
    const T* row = x + i * stride;
    for (int l = 0; l < lanes; ++l) {
      const bool better = is_better<Max>(row[l], best[l]);
      best[l] = better ? row[l] : best[l];
      where[l] = better ? i : where[l];
    }
  }
}

template <bool Max, class T>
struct ArgScan {
  static constexpr int kLanes = 128;    // columns walked together
  static constexpr int kRowLanes = 32;  // parts of one row walked together

  // The best of x[0, n) and its first place. REQUIRES: n > 0.
  static void row(const T* x, int64_t n, T* best, int32_t* where) {
    T lane_best[kRowLanes];
    int32_t lane_where[kRowLanes];
    const int64_t steps = n / kRowLanes;
    int lanes = kRowLanes;
    if (steps > 0) {
      best_in_lanes<Max>(x, steps, kRowLanes, kRowLanes, lane_best, lane_where);
      for (int l = 0; l < kRowLanes; ++l) lane_where[l] = lane_where[l] * kRowLanes + l;
    } else {
      lane_best[0] = x[0];
      lane_where[0] = 0;
      lanes = 1;
    }
    *best = lane_best[0];
    *where = lane_where[0];
    for (int l = 1; l < lanes; ++l) {
      const bool better = is_better<Max>(lane_best[l], *best), worse = is_better<Max>(*best, lane_best[l]);
      if (better || (!worse && lane_where[l] < *where)) {
        *best = lane_best[l];
        *where = lane_where[l];
      }
    }
    for (int64_t i = std::max<int64_t>(steps * kRowLanes, 1); i < n; ++i) {
      if (!is_better<Max>(x[i], *best)) continue;
      *best = x[i];
      *where = int32_t(i);
    }
  }
};

// [outer, length, inner] -> [outer, inner].
struct ArgShape {
  int64_t outer = 0, length = 0, inner = 0;
  bool last = false;                              // of equal elements the last wins, not the first

  // Rows longer than this are walked in segments.
  int64_t segment() const { return std::clamp<int64_t>(32768 / std::clamp<int64_t>(inner, 1, 128), 256, 16384); }
  // Bytes of shared scratch that arg_extreme needs.
  int64_t scratch(DType dtype) const { return length > segment() ? outer * inner * dtype_size(dtype) : 0; }
};

// Indices of the best elements into out[outer * inner].
template <bool Max, class T>
Status arg_extreme(OpRun& r, const ArgShape& s, const T* x, int64_t* out, T* state) {
  constexpr int kLanes = ArgScan<Max, T>::kLanes;
  const int64_t blocks = ceil_div(s.inner, kLanes);
  const int64_t segment = s.segment();
  for (int64_t first = 0; first < s.length; first += segment) {
    const int64_t steps = std::min(segment, s.length - first);
    const double ns = 6 + (sizeof(T) == 2 ? 2.5 : 1.0) * double(steps) * double(std::min<int64_t>(s.inner, kLanes));
    ENGINE_TRY(r.parallel(s.outer * blocks, ns, [&](int64_t begin, int64_t end, int) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t row = item / blocks, column = item % blocks * kLanes;
        const int lanes = int(std::min<int64_t>(kLanes, s.inner - column));
        T best[kLanes];
        int32_t where[kLanes];
        const T* from = x + (row * s.length + first) * s.inner + column;
        if (s.last) {
          best_in_lanes<Max>(from + (steps - 1) * s.inner, steps, -s.inner, lanes, best, where);
          for (int l = 0; l < lanes; ++l) where[l] = int32_t(steps) - 1 - where[l];
        } else if (s.inner == 1) {
          ArgScan<Max, T>::row(from, steps, best, where);
        } else {
          best_in_lanes<Max>(from, steps, s.inner, lanes, best, where);
        }
        for (int l = 0; l < lanes; ++l) {
          const int64_t at = row * s.inner + column + l;
          if (first > 0 && !(s.last ? !is_better<Max>(state[at], best[l]) : is_better<Max>(best[l], state[at]))) continue;
          out[at] = first + where[l];
          if (s.length > segment) state[at] = best[l];
        }
      }
    }));
  }
  return {};
}

template <bool Max>
class ArgExtreme final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kNumeric));
    c.set(0, DType::Int64);
    if (!c.has_rank(0)) return {};
    Shape out = c.shape(0);
    ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", 0), out.rank()));
    if (out[axis_] == 0) return error(Code::InvalidModel, "axis %d of shape %s has no elements", axis_, out.text().c_str());
    out[axis_] = 1;
    if (c.attr_int("keepdims", 1) == 0) out.erase(axis_);
    c.set(0, DType::Int64, out);
    shape_.last = c.attr_int("select_last_index", 0) != 0;
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& in = c.shape(0);
    shape_.outer = in.elements(0, axis_);
    shape_.length = in[axis_];
    shape_.inner = in.elements(axis_ + 1, in.rank());
    c.need_shared_scratch(shape_.scratch(c.dtype(0)));
    return {};
  }

  Status run(OpRun& r) const override {
    Status status;
    visit_dtype(NumericTypes{}, r.in(0).dtype, [&]<class T>() {
      status = arg_extreme<Max, T>(r, shape_, r.in<T>(0), r.out<int64_t>(0), r.shared_scratch<T>());
    });
    return status;
  }

 private:
  int axis_ = 0;
  ArgShape shape_;
};

}  // namespace engine

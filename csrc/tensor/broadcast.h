// Broadcasting of a few operands against one output, merged once into as few loops as possible.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "tensor/shape.h"

namespace engine {

// The output is `runs` runs of `inner` contiguous elements. In a run, an operand either advances with the output
// (varies) or stays on one element.
struct BroadcastPlan {
  static constexpr int kMaxOperands = 3;

  int operands = 0;
  int rank = 0;         // outer dimensions
  int64_t inner = 1;
  int64_t elements = 0;  // of the output
  bool varies[kMaxOperands] = {};
  int64_t dims[kMaxRank] = {};
  int64_t strides[kMaxOperands][kMaxRank] = {};  // of the outer dimensions, in elements of the operand

  // Calls fn(at, offsets, n) for the parts of runs that cover output elements [begin, end), in order: n elements from
  // output element `at` on; offsets[k] is operand k's first element.
  template <class Fn>
  void each_run(int64_t begin, int64_t end, Fn&& fn) const {
    if (begin >= end) return;
    int64_t index[kMaxRank], offsets[kMaxOperands] = {}, from[kMaxOperands];
    start(begin / inner, index, offsets);
    int64_t skip = begin % inner;
    for (int64_t at = begin; at < end;) {
      int64_t n = inner - skip < end - at ? inner - skip : end - at;
      for (int k = 0; k < operands; ++k) from[k] = offsets[k] + (varies[k] ? skip : 0);
      fn(at, static_cast<const int64_t*>(from), n);
      at += n;
      skip = 0;
      next(index, offsets);
    }
  }

 private:
  void start(int64_t run, int64_t* index, int64_t* offsets) const {
    for (int d = rank - 1; d >= 0; --d) {
      index[d] = run % dims[d];
      run /= dims[d];
      for (int k = 0; k < operands; ++k) offsets[k] += index[d] * strides[k][d];
    }
  }
  void next(int64_t* index, int64_t* offsets) const {
    for (int d = rank - 1; d >= 0; --d) {
      for (int k = 0; k < operands; ++k) offsets[k] += strides[k][d];
      if (++index[d] < dims[d]) return;
      index[d] = 0;
      for (int k = 0; k < operands; ++k) offsets[k] -= dims[d] * strides[k][d];
    }
  }
};

// REQUIRES: every operand broadcasts to `out`; shapes known; at most BroadcastPlan::kMaxOperands operands.
BroadcastPlan merge_broadcast(const Shape& out, std::initializer_list<const Shape*> operands);

}  // namespace engine

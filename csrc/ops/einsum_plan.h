// Einstein summation as a list of sums, transpositions and matrix products.
#pragma once

#include "kernels/gemm/tiling.h"
#include "ops/einsum_equation.h"
#include "ops/row_walk.h"

namespace engine {

enum class EinsumPlace : uint8_t { Input, Scratch, Output };

// Elements with strides by label. `index`: which input, or the first element in scratch.
struct EinsumView {
  EinsumPlace place = EinsumPlace::Input;
  int64_t index = 0;
  EinsumLabels labels;
  std::vector<int64_t> strides;

  int64_t stride(int label) const {
    for (size_t i = 0; i < labels.size(); ++i)
      if (labels[i] == label) return strides[i];
    return 0;
  }
  bool has(int label) const { return std::count(labels.begin(), labels.end(), label) > 0; }
};

// to (contiguous over `kept`) = the sum of `from` over `summed`.
struct EinsumSum {
  EinsumView from, to;
  RowWalk kept, summed;  // over `from`
};

// C[batch, i, j] = sum over p of A[batch, i, p] B[batch, p, j].
struct EinsumProduct {
  EinsumView a, b, c;
  RowWalk batch_a, batch_b, batch_c;
  int64_t m = 1, n = 1, k = 1, a_row = 0, a_col = 0, b_row = 0, b_col = 0, c_row = 0;
  GemmTiling tiling;
};

struct EinsumStep {
  bool is_product = false;
  EinsumSum sum;
  EinsumProduct product;
};

class EinsumPlan {
 public:
  explicit EinsumPlan(const EinsumEquation& equation, const std::vector<Shape>& shapes) : e_(equation), shapes_(shapes) {}

  // The steps in order. Tilings of products are left for whoever knows the kernels.
  Result<std::vector<EinsumStep>> build();
  // Elements of scratch that the steps use.
  int64_t scratch_elements() const { return scratch_; }

 private:
  int64_t size(int label) const { return e_.sizes[size_t(label)]; }
  EinsumView input_view(size_t i) const;
  EinsumView output_view() const;
  Result<EinsumView> new_scratch(const EinsumLabels& labels);
  EinsumView contiguous(EinsumPlace place, int64_t index, const EinsumLabels& labels) const;
  // Sums or transposes `from` to `to`'s labels.
  void add_sum(const EinsumView& from, const EinsumView& to);
  // `from` without labels that neither `other` nor `keep` has.
  Result<EinsumView> drop_unused(EinsumView from, const EinsumView& other, const EinsumLabels& keep);
  // True when the labels, in order, count as one dimension of the view, whose stride is then written.
  bool as_one(const EinsumView& view, const EinsumLabels& labels, int64_t* stride) const;
  Result<EinsumView> multiply(EinsumView a, EinsumView b, const EinsumLabels& keep, bool last);
  bool fits_output(const EinsumLabels& rows, const EinsumLabels& columns, int64_t* row_stride) const;

  const EinsumEquation& e_;
  const std::vector<Shape>& shapes_;
  std::vector<EinsumStep> steps_;
  int64_t scratch_ = 0;
};

}  // namespace engine

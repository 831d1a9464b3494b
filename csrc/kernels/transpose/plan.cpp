#include <vector>

#include "kernels/transpose/transpose.h"

namespace engine {
namespace {

struct Dim {
  int64_t extent, src, dst;  // strides in elements
};

// The dimensions of more than one element, neighbours that are one run in the source merged.
std::vector<Dim> merged_dims(const int64_t* dims, const int64_t* strides, int rank) {
  std::vector<Dim> merged;
  for (int d = 0; d < rank; ++d) {
    if (dims[d] == 1) continue;
    if (!merged.empty() && merged.back().src == strides[d] * dims[d]) {
      merged.back().extent *= dims[d];
      merged.back().src = strides[d];
    } else {
      merged.push_back({dims[d], strides[d], 0});
    }
  }
  int64_t stride = 1;
  for (size_t d = merged.size(); d-- > 0;) {
    merged[d].dst = stride;
    stride *= merged[d].extent;
  }
  return merged;
}

// A short run of a power of two bytes, up to 16, is one larger element.
void widen_elements(std::vector<Dim>& dims, size_t& element_size) {
  if (dims.empty() || dims.back().src != 1) return;
  const int64_t run = dims.back().extent;
  const int64_t bytes = run <= 16 ? run * int64_t(element_size) : 0;
  if (bytes != 2 && bytes != 4 && bytes != 8 && bytes != 16) return;
  for (size_t d = 0; d + 1 < dims.size(); ++d)
    if (dims[d].src % run != 0) return;
  dims.pop_back();
  for (Dim& d : dims) {
    d.src /= run;
    d.dst /= run;
  }
  element_size = size_t(bytes);
}

constexpr int64_t kUnitBytes = 65536;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

// Which of the outer dimensions is the loop around the columns.
size_t choose_rows(const std::vector<Dim>& dims, CopyPlan::Kind& kind) {
  const size_t last = dims.size() - 1;
  if (dims[last].src == 1) {
    kind = CopyPlan::Kind::run;
    return last - 1;
  }
  for (size_t d = 0; d < last; ++d) {
    if (dims[d].src == 1) {
      kind = CopyPlan::Kind::block;
      return d;
    }
  }
  kind = CopyPlan::Kind::gather;
  return last - 1;
}

void set_blocks(CopyPlan& plan) {
  const int64_t size = int64_t(plan.element_size);
  if (plan.kind == CopyPlan::Kind::block) {
    const int64_t side = size <= 2 ? 128 : size == 16 ? 32 : 64;
    plan.block_rows = at_most(plan.rows, side);
    plan.block_columns = at_most(plan.columns, at_most(kUnitBytes / size, side * side) / plan.block_rows);
  } else {
    plan.block_columns = at_most(plan.columns, kUnitBytes / size);
    const int64_t fitting = kUnitBytes / size / plan.block_columns;
    plan.block_rows = at_most(plan.rows, plan.block_columns == plan.columns ? fitting : 1);
  }
}

}  // namespace

CopyPlan plan_copy(const int64_t* dims, const int64_t* strides, int rank, size_t element_size) {
  CopyPlan plan;
  for (int d = 0; d < rank; ++d)
    if (dims[d] == 0) return plan;
  std::vector<Dim> all = merged_dims(dims, strides, rank);
  widen_elements(all, element_size);
  if (all.empty()) all.push_back({1, 1, 1});
  if (all.size() == 1) all.insert(all.begin(), {1, 0, 0});
  const int64_t size = int64_t(element_size);
  plan.element_size = element_size;
  const size_t rows = choose_rows(all, plan.kind);
  const Dim& row = all[rows];
  const Dim& column = all.back();
  plan.rows = row.extent, plan.row_src = row.src * size, plan.row_dst = row.dst * size;
  plan.columns = column.extent, plan.column_src = column.src * size;
  set_blocks(plan);
  plan.units = ceil_div(plan.rows, plan.block_rows) * ceil_div(plan.columns, plan.block_columns);
  for (size_t d = 0; d + 1 < all.size(); ++d) {
    if (d == rows) continue;
    const int i = plan.outer_rank++;
    plan.outer_dims[i] = all[d].extent;
    plan.outer_src[i] = all[d].src * size;
    plan.outer_dst[i] = all[d].dst * size;
    plan.units *= all[d].extent;
  }
  int log2 = 0;
  while ((size_t(1) << log2) < element_size) ++log2;
  plan.block = transpose_kernels().block[log2];
  return plan;
}

CopyPlan plan_transpose(const int64_t* shape, const int64_t* perm, int rank, size_t element_size) {
  std::vector<int64_t> stride(static_cast<size_t>(rank)), dims(stride), strides(stride);
  int64_t step = 1;
  for (int d = rank; d-- > 0;) {
    stride[size_t(d)] = step;
    step *= shape[d];
  }
  for (size_t d = 0; d < size_t(rank); ++d) {
    dims[d] = shape[perm[d]];
    strides[d] = stride[size_t(perm[d])];
  }
  return plan_copy(dims.data(), strides.data(), rank, element_size);
}

}  // namespace engine

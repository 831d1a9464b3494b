#include <cstring>

#include "kernels/transpose/transpose.h"

namespace engine {
namespace {

// A unit's place: indices of the outer dimensions and of the block of rows and of columns, last fastest.
class UnitCursor {
 public:
  UnitCursor(const CopyPlan& plan, int64_t unit)
      : plan_(plan),
        row_blocks_((plan.rows + plan.block_rows - 1) / plan.block_rows),
        column_blocks_((plan.columns + plan.block_columns - 1) / plan.block_columns) {
    column_block_ = unit % column_blocks_;
    unit /= column_blocks_;
    row_block_ = unit % row_blocks_;
    unit /= row_blocks_;
    for (int d = plan.outer_rank; d-- > 0;) {
      index_[d] = unit % plan.outer_dims[d];
      unit /= plan.outer_dims[d];
      src_ += index_[d] * plan.outer_src[d];
      dst_ += index_[d] * plan.outer_dst[d];
    }
  }

  void next() {
    if (++column_block_ < column_blocks_) return;
    column_block_ = 0;
    if (++row_block_ < row_blocks_) return;
    row_block_ = 0;
    for (int d = plan_.outer_rank; d-- > 0;) {
      src_ += plan_.outer_src[d];
      dst_ += plan_.outer_dst[d];
      if (++index_[d] < plan_.outer_dims[d]) return;
      index_[d] = 0;
      src_ -= plan_.outer_dims[d] * plan_.outer_src[d];
      dst_ -= plan_.outer_dims[d] * plan_.outer_dst[d];
    }
  }

  int64_t first_row() const { return row_block_ * plan_.block_rows; }
  int64_t first_column() const { return column_block_ * plan_.block_columns; }
  int64_t rows() const { return extent(plan_.rows - first_row(), plan_.block_rows); }
  int64_t columns() const { return extent(plan_.columns - first_column(), plan_.block_columns); }
  int64_t src() const { return src_ + first_row() * plan_.row_src + first_column() * plan_.column_src; }
  int64_t dst() const {
    return dst_ + first_row() * plan_.row_dst + first_column() * int64_t(plan_.element_size);
  }

 private:
  static int64_t extent(int64_t left, int64_t block) { return left < block ? left : block; }

  const CopyPlan& plan_;
  int64_t row_blocks_, column_blocks_, row_block_, column_block_;
  int64_t src_ = 0, dst_ = 0;
  int64_t index_[kMaxCopyRank];
};

template <size_t size>
void gather_row(const char* src, int64_t stride, char* dst, int64_t n) {
  for (int64_t i = 0; i < n; ++i) std::memcpy(dst + i * int64_t(size), src + i * stride, size);
}

void gather(const CopyPlan& plan, const char* src, char* dst, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r, src += plan.row_src, dst += plan.row_dst) {
    switch (plan.element_size) {
      case 1: gather_row<1>(src, plan.column_src, dst, columns); break;
      case 2: gather_row<2>(src, plan.column_src, dst, columns); break;
      case 4: gather_row<4>(src, plan.column_src, dst, columns); break;
      case 8: gather_row<8>(src, plan.column_src, dst, columns); break;
      default: gather_row<16>(src, plan.column_src, dst, columns); break;
    }
  }
}

void copy_runs(const CopyPlan& plan, const char* src, char* dst, int64_t rows, int64_t columns) {
  const size_t bytes = size_t(columns) * plan.element_size;
  for (int64_t r = 0; r < rows; ++r, src += plan.row_src, dst += plan.row_dst) std::memcpy(dst, src, bytes);
}

}  // namespace

void run_copy(const CopyPlan& plan, const void* src, void* dst, int64_t first, int64_t last) {
  if (first >= last) return;
  const int64_t size = int64_t(plan.element_size);
  UnitCursor at(plan, first);
  for (int64_t unit = first; unit < last; ++unit, at.next()) {
    const char* from = static_cast<const char*>(src) + at.src();
    char* to = static_cast<char*>(dst) + at.dst();
    switch (plan.kind) {
      case CopyPlan::Kind::run: copy_runs(plan, from, to, at.rows(), at.columns()); break;
      case CopyPlan::Kind::gather: gather(plan, from, to, at.rows(), at.columns()); break;
      case CopyPlan::Kind::block:
        plan.block(from, plan.column_src / size, to, plan.row_dst / size, size_t(at.rows()), size_t(at.columns()));
        break;
    }
  }
}

}  // namespace engine

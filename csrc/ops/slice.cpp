#include <algorithm>

#include "base/checked.h"
#include "ops/axes.h"
#include "ops/element.h"

namespace engine {
namespace {

// One axis of a slice: `count` elements from `first` on, `step` apart.
struct Range {
  int64_t first = 0, step = 1, count = 0;
};

// Python's slice(start, end, step) on `length` elements. REQUIRES: step != 0.
Range clamp_range(int64_t start, int64_t end, int64_t step, int64_t length) {
  step = std::clamp(step, -INT64_MAX, INT64_MAX);
  if (start < 0) start = std::max(start, -length - 1) + length;
  if (end < 0) end = std::max(end, -length - 1) + length;
  int64_t low = step > 0 ? 0 : -1, high = step > 0 ? length : length - 1;
  start = std::clamp(start, low, high);
  end = std::clamp(end, low, high);
  Range r{start, step, 0};
  if (step > 0 && end > start) r.count = (end - start - 1) / step + 1;
  if (step < 0 && end < start) r.count = (start - end - 1) / -step + 1;
  if (r.count <= 1) r.step = 1;
  if (r.count == 0) r.first = 0;
  return r;
}

struct Arguments {
  std::vector<int64_t> starts, ends, axes, steps;
  bool known = true;
};

Status read_argument(const InferContext& c, int i, const char* attribute, bool required, std::vector<int64_t>* out, bool* known) {
  ENGINE_ASSIGN(ListState state, read_list(c, c.opset() >= 10, i, attribute, out));
  if (state == ListState::Absent && required) return error(Code::InvalidModel, "%s are missing", attribute);
  if (state == ListState::Unknown) *known = false;
  return {};
}

class Slice final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    c.set(0, c.dtype(0));
    Arguments a;
    ENGINE_TRY(read_argument(c, 1, "starts", true, &a.starts, &a.known));
    ENGINE_TRY(read_argument(c, 2, "ends", true, &a.ends, &a.known));
    ENGINE_TRY(read_argument(c, 3, "axes", false, &a.axes, &a.known));
    ENGINE_TRY(read_argument(c, 4, "steps", false, &a.steps, &a.known));
    if (!c.has_rank(0)) return {};
    const Shape& in = c.shape(0);
    Shape out = Shape::filled(in.rank(), kUnknownDim);
    if (a.known) ENGINE_TRY(take(c, a, &out));
    c.set(0, c.dtype(0), out);
    if (a.known && in.known()) set_view_if_contiguous(c);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& out = c.output_shape(0);
    int64_t from[kMaxRank], src[kMaxRank], dst[kMaxRank];
    contiguous_strides(c.shape(0), from);
    contiguous_strides(out, dst);
    offset_ = 0;
    for (int i = 0; i < out.rank(); ++i) {
      src[i] = from[i] * ranges_[i].step;
      offset_ += from[i] * ranges_[i].first;
    }
    copy_ = StridedCopy(element_of(c.dtype(0)), out.rank(), out.begin(), src, dst);
    return {};
  }

  Status run(OpRun& r) const override { return run_copy(r, copy_, 0, 0, offset_); }

 private:
  Status take(const InferContext& c, const Arguments& a, Shape* out) {
    const Shape& in = c.shape(0);
    size_t n = a.starts.size();
    if (a.ends.size() != n || (!a.axes.empty() && a.axes.size() != n) || (!a.steps.empty() && a.steps.size() != n))
      return error(Code::InvalidModel, "%zu starts, %zu ends, %zu axes and %zu steps do not fit together", n, a.ends.size(),
                   a.axes.size(), a.steps.size());
    std::vector<int64_t> list = a.axes;
    if (list.empty())
      for (size_t i = 0; i < n; ++i) list.push_back(int64_t(i));
    ENGINE_ASSIGN(std::vector<int> axes, normalize_axes(list, in.rank()));
    for (int i = 0; i < in.rank(); ++i) {
      ranges_[i] = {0, 1, in[i]};
      (*out)[i] = in[i];
    }
    for (size_t k = 0; k < n; ++k) {
      int axis = axes[k];
      int64_t step = a.steps.empty() ? 1 : a.steps[k];
      if (step == 0) return error(Code::InvalidModel, "step 0 on axis %d", axis);
      if (in[axis] == kUnknownDim) continue;
      ranges_[axis] = clamp_range(a.starts[k], a.ends[k], step, in[axis]);
      (*out)[axis] = ranges_[axis].count;
    }
    return {};
  }

  // Elements stay together when only the outermost axis (behind axes of one element) is cut, without steps.
  void set_view_if_contiguous(InferContext& c) const {
    const Shape& in = c.shape(0);
    int cut = 0;
    for (int i = 0; i < in.rank(); ++i) {
      if (ranges_[i].step != 1) return;
      if (ranges_[i].count != in[i]) cut = i;
    }
    for (int i = 0; i < cut; ++i)
      if (ranges_[i].count != 1) return;
    int64_t strides[kMaxRank], at = 0;
    contiguous_strides(in, strides);
    for (int i = 0; i < in.rank(); ++i) at += strides[i] * ranges_[i].first;
    c.set_view(0, 0, at * dtype_size(c.dtype(0)));
  }

  Range ranges_[kMaxRank];
  StridedCopy copy_;
  int64_t offset_ = 0;
};

}  // namespace

void op_slice(OpTable& t) {
  t.add<Slice>("", "Slice", 1, 1, 1);
  for (int since : {10, 11, 13}) t.add<Slice>("", "Slice", since, 3, 5);
}

}  // namespace engine

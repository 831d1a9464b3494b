#include <algorithm>

#include "ops/sequence.h"

namespace engine {
namespace {

// The parts' lengths along an axis of `size`.
Result<std::vector<int64_t>> part_lengths(const Tensor* split, int64_t size) {
  std::vector<int64_t> lengths;
  if (split && split->shape.rank() > 0) {
    if (split->shape.rank() != 1) return error(Code::InvalidInput, "split has shape %s; a scalar or a list is allowed", split->shape.text().c_str());
    int64_t left = size;
    for (int64_t i = 0; i < split->elements(); ++i) {
      int64_t n = integer_at(*split, i);
      if (n < 0 || n > left) return error(Code::InvalidInput, "split[%lld] is %lld; %lld elements are left", (long long)i, (long long)n, (long long)left);
      lengths.push_back(n);
      left -= n;
    }
    if (left) return error(Code::InvalidInput, "split sums up to %lld; the axis has %lld elements", (long long)(size - left), (long long)size);
    return lengths;
  }
  int64_t step = split ? integer_at(*split, 0) : 1;
  if (step <= 0) return error(Code::InvalidInput, "split is %lld; a positive number is expected", (long long)step);
  for (int64_t at = 0; at < size; at += std::min(step, size - at)) lengths.push_back(std::min(step, size - at));
  return lengths;
}

class SplitToSequence final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    if (c.has_input(1)) ENGINE_TRY(c.require(1, dtypes::kIndex));
    keep_ = c.has_input(1) || c.attr_int("keepdims", 1) != 0;
    axis_ = c.attr_int("axis", 0);
    TypeInfo element = TypeInfo::tensor(c.dtype(0));
    if (c.has_rank(0)) {
      ENGINE_ASSIGN(int axis, normalize_axis(axis_, c.shape(0).rank()));
      element = c.type(0);
      if (keep_) element.shape[axis] = kUnknownDim;
      else element.shape.erase(axis);
    }
    c.set(0, TypeInfo::sequence(element));
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    ENGINE_ASSIGN(int axis, normalize_axis(axis_, x.shape.rank()));
    ENGINE_ASSIGN(std::vector<int64_t> lengths, part_lengths(r.has(1) ? &r.in(1) : nullptr, x.shape[axis]));
    int64_t outer = x.shape.elements(0, axis), inner = x.shape.elements(axis + 1, x.shape.rank());
    auto parts = std::make_shared<ValueParts>();
    parts->items.reserve(lengths.size());
    int64_t at = 0;
    for (int64_t length : lengths) {
      Shape shape = x.shape;
      if (keep_) shape[axis] = length;
      else shape.erase(axis);
      ENGINE_ASSIGN(Tensor part, r.make(x.dtype, shape));
      const char* from = x.as<char>() + at * inner * dtype_size(x.dtype);
      ENGINE_TRY(r.copy_rows(x.dtype, outer, length * inner, from, x.shape[axis] * inner, part.data, length * inner));
      parts->items.push_back(tensor_value(std::move(part)));
      at += length;
    }
    give_sequence(r, 0, std::move(parts));
    return {};
  }

 private:
  bool keep_ = true;
  int64_t axis_ = 0;
};

}  // namespace

void op_split_to_sequence(OpTable& t) {
  for (int since : {11, 24}) t.add<SplitToSequence>("", "SplitToSequence", since, 1, 2);
}

}  // namespace engine

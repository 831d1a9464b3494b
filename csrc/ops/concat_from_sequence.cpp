#include "base/checked.h"
#include "ops/sequence.h"

namespace engine {
namespace {

class ConcatFromSequence final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(require_sequence(c, 0));
    new_axis_ = c.attr_int("new_axis", 0) != 0;
    if (!c.has("axis")) return error(Code::InvalidModel, "attribute axis is missing");
    axis_ = c.attr_int("axis", 0);
    TypeInfo element = element_type(c.type(0));
    if (element.is_tensor() && element.has_rank) {
      ENGINE_ASSIGN(int axis, axis_for(element.shape.rank()));
      if (new_axis_) element.shape.insert(axis, kUnknownDim);
      else element.shape[axis] = kUnknownDim;
    }
    c.set(0, element);
    c.set_at_run(0);
    return {};
  }

  Status run(OpRun& r) const override {
    ENGINE_ASSIGN(const std::vector<Value>* items, sequence_items(r, 0));
    if (items->empty()) return error(Code::InvalidInput, "the sequence is empty; at least one tensor is expected");
    const Tensor& first = (*items)[0].tensor;
    ENGINE_ASSIGN(int axis, axis_for(first.shape.rank()));
    ENGINE_ASSIGN(Shape shape, whole_shape(*items, axis));
    ENGINE_TRY(r.allocate(0, first.dtype, shape));
    int64_t outer = shape.elements(0, axis), row = shape.elements(axis, shape.rank()), at = 0, size = dtype_size(first.dtype);
    for (const Value& v : *items) {
      int64_t count = outer > 0 ? v.tensor.elements() / outer : 0;
      ENGINE_TRY(r.copy_rows(first.dtype, outer, count, v.tensor.data, count, r.out(0).as<char>() + at * size, row));
      at += count;
    }
    return {};
  }

 private:
  Result<int> axis_for(int rank) const {
    if (new_axis_ && rank == kMaxRank) return error(Code::UnsupportedOperator, "%d dimensions are too many", rank + 1);
    return normalize_axis(axis_, new_axis_ ? rank + 1 : rank);
  }

  Result<Shape> whole_shape(const std::vector<Value>& items, int axis) const {
    const Tensor& first = items[0].tensor;
    int64_t length = 0;
    for (size_t k = 0; k < items.size(); ++k) {
      const Tensor& t = items[k].tensor;
      Shape same = t.shape;
      if (items[k].kind == ValueKind::Tensor && !new_axis_ && same.rank() == first.shape.rank()) same[axis] = first.shape[axis];
      if (items[k].kind != ValueKind::Tensor || t.dtype != first.dtype || !(same == first.shape))
        return error(Code::InvalidInput, "element %zu is %s%s, which does not fit element 0, %s%s", k, dtype_name(t.dtype),
                     t.shape.text().c_str(), dtype_name(first.dtype), first.shape.text().c_str());
      if (!checked_add(length, new_axis_ ? 1 : t.shape[axis], &length)) return error(Code::InvalidInput, "the result is too large");
    }
    Shape shape = first.shape;
    if (new_axis_) shape.insert(axis, length);
    else shape[axis] = length;
    return shape;
  }

  bool new_axis_ = false;
  int64_t axis_ = 0;
};

}  // namespace

void op_concat_from_sequence(OpTable& t) { t.add<ConcatFromSequence>("", "ConcatFromSequence", 11, 1, 1); }

}  // namespace engine

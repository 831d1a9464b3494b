#include "base/checked.h"
#include "ops/element.h"

namespace engine {
namespace {

// The shape of inputs joined along `axis`; dimensions that one input knows hold for all.
Result<Shape> joined_shape(const InferContext& c, int axis) {
  Shape out = c.shape(0);
  for (int i = 1; i < c.input_count(); ++i) {
    const Shape& s = c.shape(i);
    for (int d = 0; d < out.rank(); ++d) {
      if (d == axis) {
        if (s[d] == kUnknownDim || out[d] == kUnknownDim) out[d] = kUnknownDim;
        else if (!checked_add(out[d], s[d], &out[d])) return error(Code::InvalidModel, "the joined axis is too long");
      } else if (out[d] == kUnknownDim) {
        out[d] = s[d];
      } else if (s[d] != kUnknownDim && s[d] != out[d]) {
        return error(Code::InvalidModel, "input %d has shape %s, which does not join %s along axis %d", i, s.text().c_str(),
                     c.shape(0).text().c_str(), axis);
      }
    }
  }
  return out;
}

class Concat final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    if (c.opset() >= 4 && !c.has("axis")) return error(Code::InvalidModel, "attribute axis is missing");
    bool ranks = true;
    for (int i = 0; i < c.input_count(); ++i) {
      ENGINE_TRY(c.require_same(0, i));
      ENGINE_TRY(c.require(i, dtypes::kAll));
      ranks = ranks && c.has_rank(i);
    }
    c.set(0, c.dtype(0));
    if (c.input_count() == 1) c.set_view(0, 0);
    if (!ranks) return {};
    for (int i = 1; i < c.input_count(); ++i)
      if (c.shape(i).rank() != c.shape(0).rank())
        return error(Code::InvalidModel, "input %d has %d dimensions, input 0 has %d", i, c.shape(i).rank(), c.shape(0).rank());
    ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", 1), c.shape(0).rank()));
    ENGINE_ASSIGN(Shape out, joined_shape(c, axis_));
    c.set(0, c.dtype(0), out);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& out = c.output_shape(0);
    int64_t outer = out.elements(0, axis_), row = out.elements(axis_, out.rank()), at = 0;
    copies_.clear();
    offsets_.clear();
    for (int i = 0; i < c.input_count(); ++i) {
      int64_t n = c.shape(i).elements(axis_, out.rank());
      int64_t dims[] = {outer, n}, src[] = {n, 1}, dst[] = {row, 1};
      copies_.add(StridedCopy(element_of(c.dtype(0)), 2, dims, src, dst));
      offsets_.push_back(at * dtype_size(c.dtype(0)));
      at += n;
    }
    return {};
  }

  Status run(OpRun& r) const override {
    char* out = r.out<char>(0);
    return copies_.run(r, [&](size_t k) { return std::pair<const void*, void*>(r.in<char>(int(k)), out + offsets_[k]); });
  }

 private:
  int axis_ = 0;
  CopySet copies_;
  std::vector<int64_t> offsets_;
};

}  // namespace

void op_concat(OpTable& t) {
  for (int since : {1, 4, 11, 13}) t.add<Concat>("", "Concat", since, 1, -1);
}

}  // namespace engine

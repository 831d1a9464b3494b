#include "base/checked.h"
#include "ops/axes.h"
#include "ops/element.h"

namespace engine {
namespace {

class Split final : public Op {
 public:
  Status infer(InferContext& c) override {
    ENGINE_TRY(c.require(0, dtypes::kAll));
    for (int o = 0; o < c.output_count(); ++o) c.set(o, c.dtype(0));
    std::vector<int64_t> given;
    bool from_input = c.opset() >= 13 || (c.opset() < 2 && c.has_input(1));
    ENGINE_ASSIGN(ListState state, read_list(c, from_input, 1, "split", &given));
    if (!c.has_rank(0)) return {};
    ENGINE_ASSIGN(axis_, normalize_axis(c.attr_int("axis", 0), c.shape(0).rank()));
    int64_t length = c.shape(0)[axis_];
    sizes_.assign(size_t(c.output_count()), kUnknownDim);
    if (state == ListState::Known) ENGINE_TRY(take_sizes(given, length));
    else if (state == ListState::Absent && length != kUnknownDim) ENGINE_TRY(equal_sizes(c, length));
    set_outputs(c);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    const Shape& in = c.shape(0);
    int64_t outer = in.elements(0, axis_), inner = in.elements(axis_ + 1, in.rank()), row = in[axis_] * inner, at = 0;
    copies_.clear();
    offsets_.clear();
    wanted_.clear();
    for (int o = 0; o < c.output_count(); ++o) {
      int64_t n = sizes_[size_t(o)] * inner;
      if (c.has_output(o)) {
        int64_t dims[] = {outer, n}, src[] = {row, 1}, dst[] = {n, 1};
        copies_.add(StridedCopy(element_of(c.dtype(0)), 2, dims, src, dst));
        offsets_.push_back(at * dtype_size(c.dtype(0)));
        wanted_.push_back(o);
      }
      at += n;
    }
    return {};
  }

  Status run(OpRun& r) const override {
    const char* in = r.in<char>(0);
    return copies_.run(r, [&](size_t k) { return std::pair<const void*, void*>(in + offsets_[k], r.out<char>(wanted_[k])); });
  }

 private:
  Status take_sizes(const std::vector<int64_t>& given, int64_t length) {
    if (given.size() != sizes_.size())
      return error(Code::InvalidModel, "split has %zu sizes for %zu outputs", given.size(), sizes_.size());
    int64_t sum = 0;
    for (int64_t n : given)
      if (!checked_add(sum, n, &sum)) return error(Code::InvalidModel, "split has the size %lld", (long long)n);
    if (length != kUnknownDim && sum != length)
      return error(Code::InvalidModel, "split sizes add up to %lld, axis %d has %lld", (long long)sum, axis_, (long long)length);
    sizes_ = given;
    return {};
  }

  Status equal_sizes(const InferContext& c, int64_t length) {
    int64_t parts = int64_t(sizes_.size());
    if (c.opset() >= 18 && c.attr_int("num_outputs", parts) != parts)
      return error(Code::InvalidModel, "num_outputs is %lld, the node has %lld outputs", (long long)c.attr_int("num_outputs", parts),
                   (long long)parts);
    int64_t part = ceil_div(length, parts), last = length - part * (parts - 1);
    if (last < 0 || (c.opset() < 18 && last != part))
      return error(Code::InvalidModel, "axis %d has %lld elements, which do not split into %lld equal parts", axis_, (long long)length,
                   (long long)parts);
    sizes_.assign(size_t(parts), part);
    sizes_.back() = last;
    return {};
  }

  void set_outputs(InferContext& c) const {
    const Shape& in = c.shape(0);
    bool contiguous = in.known();
    for (int i = 0; i < axis_; ++i) contiguous = contiguous && in[i] == 1;
    int64_t at = 0, row = contiguous ? in.elements(axis_ + 1, in.rank()) * dtype_size(c.dtype(0)) : 0;
    for (int o = 0; o < c.output_count(); ++o) {
      Shape out = in;
      out[axis_] = sizes_[size_t(o)];
      c.set(o, c.dtype(0), out);
      if (contiguous && out[axis_] != kUnknownDim) c.set_view(o, 0, at * row);
      at += out[axis_];
    }
  }

  int axis_ = 0;
  std::vector<int64_t> sizes_;
  CopySet copies_;
  std::vector<int64_t> offsets_;
  std::vector<int> wanted_;
};

}  // namespace

void op_split(OpTable& t) {
  t.add<Split>("", "Split", 1, 1, 2, 1, -1);
  for (int since : {2, 11}) t.add<Split>("", "Split", since, 1, 1, 1, -1);
  for (int since : {13, 18}) t.add<Split>("", "Split", since, 1, 2, 1, -1);
}

}  // namespace engine

#include "ops/view_op.h"

namespace engine {
namespace {

class Squeeze final : public ViewOp {
  Status infer_view(InferContext& c) override {
    std::vector<int64_t> list;
    ENGINE_ASSIGN(ListState state, read_list(c, c.opset() >= 13, 1, "axes", &list));
    if (!c.has_rank(0) || state == ListState::Unknown) return {};
    const Shape& in = c.shape(0);
    bool drop[kMaxRank] = {};
    if (list.empty()) {
      if (!in.known()) return {};
      for (int i = 0; i < in.rank(); ++i) drop[i] = in[i] == 1;
    } else {
      ENGINE_ASSIGN(std::vector<int> axes, normalize_axes(list, in.rank()));
      for (int a : axes) {
        if (in[a] != 1 && in[a] != kUnknownDim)
          return error(Code::InvalidModel, "axis %d of shape %s is not 1", a, in.text().c_str());
        drop[a] = true;
      }
    }
    Shape out;
    for (int i = 0; i < in.rank(); ++i)
      if (!drop[i]) out.push_back(in[i]);
    c.set(0, c.dtype(0), out);
    return {};
  }
};

}  // namespace

void op_squeeze(OpTable& t) {
  for (int since : {1, 11}) t.add<Squeeze>("", "Squeeze", since, 1, 1);
  for (int since : {13, 21, 23, 24, 25}) t.add<Squeeze>("", "Squeeze", since, 1, 2);
}

}  // namespace engine

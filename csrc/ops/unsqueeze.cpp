#include "ops/view_op.h"

namespace engine {
namespace {

class Unsqueeze : public ViewOp {
 public:
  explicit Unsqueeze(bool axes_input) : axes_input_(axes_input) {}

 private:
  Status infer_view(InferContext& c) override {
    std::vector<int64_t> list;
    ENGINE_ASSIGN(ListState state, read_list(c, axes_input_, 1, "axes", &list));
    if (state == ListState::Absent) return error(Code::InvalidModel, "axes are missing");
    if (!c.has_rank(0) || state == ListState::Unknown) return {};
    const Shape& in = c.shape(0);
    if (list.size() > size_t(kMaxRank - in.rank()))
      return error(Code::InvalidModel, "%zu dimensions more than shape %s; at most %d are supported", list.size(),
                   in.text().c_str(), kMaxRank);
    int rank = in.rank() + int(list.size());
    ENGINE_ASSIGN(std::vector<int> axes, normalize_axes(list, rank));
    bool added[kMaxRank] = {};
    for (int a : axes) added[a] = true;
    Shape out;
    for (int i = 0, from = 0; i < rank; ++i) out.push_back(added[i] ? 1 : in[from++]);
    c.set(0, c.dtype(0), out);
    return {};
  }

  bool axes_input_;
};

class UnsqueezeAttribute final : public Unsqueeze {
 public:
  UnsqueezeAttribute() : Unsqueeze(false) {}
};

class UnsqueezeInput final : public Unsqueeze {
 public:
  UnsqueezeInput() : Unsqueeze(true) {}
};

}  // namespace

void op_unsqueeze(OpTable& t) {
  for (int since : {1, 11}) t.add<UnsqueezeAttribute>("", "Unsqueeze", since, 1, 1);
  for (int since : {13, 21, 23, 24, 25}) t.add<UnsqueezeInput>("", "Unsqueeze", since, 2, 2);
  t.add<UnsqueezeInput>("com.microsoft", "ExpandDims", 1, 2, 2);
}

}  // namespace engine

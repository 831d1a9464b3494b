#include "base/checked.h"
#include "ops/view_op.h"

namespace engine {
namespace {

// What -1 in `wanted` stands for: the elements of `from` over those of the other dimensions. Copied dimensions (0, unless `allow_zero`)
// are on both sides and left out, so that a batch of none keeps the shape of its rows. -1: there is no such number.
int64_t rest_of(const std::vector<int64_t>& wanted, const Shape& from, bool allow_zero) {
  auto copied = [&](int i) { return !allow_zero && size_t(i) < wanted.size() && wanted[size_t(i)] == 0; };
  int64_t theirs = 1, stated = 1;
  for (int i = 0; i < from.rank(); ++i)
    if (!copied(i) && !checked_mul(theirs, from[i], &theirs)) return -1;
  for (int i = 0; i < int(wanted.size()); ++i)
    if (!copied(i) && wanted[size_t(i)] >= 0 && !checked_mul(stated, wanted[size_t(i)], &stated)) return -1;
  return stated > 0 && theirs % stated == 0 ? theirs / stated : -1;
}

// `wanted` with its zeros and -1 replaced, as far as `from` (null: not known at all) tells.
Result<Shape> resolve_shape(const std::vector<int64_t>& wanted, const Shape* from, bool allow_zero) {
  if (wanted.size() > size_t(kMaxRank))
    return error(Code::InvalidModel, "%zu dimensions; at most %d are supported", wanted.size(), kMaxRank);
  Shape out;
  int rest = -1;
  for (size_t i = 0; i < wanted.size(); ++i) {
    int64_t d = wanted[i];
    if (d < -1) return error(Code::InvalidModel, "dimension %zu of the new shape is %lld", i, (long long)d);
    if (d == -1) {
      if (rest >= 0) return error(Code::InvalidModel, "the new shape has more than one -1");
      rest = int(i);
    } else if (d == 0 && !allow_zero) {
      if (from && int(i) >= from->rank())
        return error(Code::InvalidModel, "dimension %zu of the new shape is 0 (copy), but the input has shape %s", i, from->text().c_str());
      d = from ? (*from)[int(i)] : kUnknownDim;
    }
    out.push_back(d);
  }
  if (!from || !from->known()) return out;
  if (rest >= 0) out[rest] = rest_of(wanted, *from, allow_zero);
  ENGINE_ASSIGN(int64_t elements, checked_bytes(*from, 1));
  bool fits = out.known();
  if (fits) {
    ENGINE_ASSIGN(int64_t n, checked_bytes(out, 1));
    fits = n == elements;
  }
  if (!fits) return error(Code::InvalidModel, "shape %s cannot become %s", from->text().c_str(), out.text().c_str());
  return out;
}

class Reshape final : public ViewOp {
  Status infer_view(InferContext& c) override {
    std::vector<int64_t> wanted;
    ENGINE_ASSIGN(ListState state, read_list(c, c.opset() >= 5, 1, "shape", &wanted));
    if (state == ListState::Absent) return error(Code::InvalidModel, "attribute shape is missing");
    if (state == ListState::Unknown) {
      if (c.known(1) && c.shape(1).elements() <= kMaxRank)
        c.set(0, c.dtype(0), Shape::filled(int(c.shape(1).elements()), kUnknownDim));
      return {};
    }
    bool allow_zero = c.attr_int("allowzero", 0) != 0;
    ENGINE_ASSIGN(Shape out, resolve_shape(wanted, c.has_rank(0) ? &c.shape(0) : nullptr, allow_zero));
    c.set(0, c.dtype(0), out);
    return {};
  }
};

}  // namespace

void op_reshape(OpTable& t) {
  t.add<Reshape>("", "Reshape", 1, 1, 1);
  for (int since : {5, 13, 14, 19, 21, 23, 24, 25}) t.add<Reshape>("", "Reshape", since, 2, 2);
}

}  // namespace engine

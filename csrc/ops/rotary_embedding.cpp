// RotaryEmbedding of ai.onnx (X, cos, sin, positions) and of com.microsoft (X, positions, cos, sin; attribute scale).
#include "ops/float_storage.h"
#include "ops/op.h"

namespace engine {
namespace {

constexpr DTypeSet kTypes = dtypes::kFloats & ~dtype_set(DType::Double);

class RotaryEmbedding : public Op {
 public:
  Status infer(InferContext& c) override {
    int positions = positions_at(), cosines = cosines_at();
    ENGINE_TRY(c.require(0, kTypes));
    for (int i : {cosines, cosines + 1}) ENGINE_TRY(c.require_same(0, i));
    if (c.has_input(positions)) ENGINE_TRY(c.require(positions, dtype_set(DType::Int64)));
    interleaved_ = c.attr_int("interleaved", 0) != 0;
    c.set(0, c.dtype(0));
    if (!c.known(0)) return {};
    const Shape& x = c.shape(0);
    if (x.rank() != 3 && x.rank() != 4) return error(Code::InvalidModel, "input has shape %s; three or four dimensions are wanted", x.text().c_str());
    c.set(0, c.dtype(0), x);
    if (!c.known(cosines) || !c.known(cosines + 1)) return {};
    return infer_rotation(c, x, positions, cosines);
  }

  Status run(OpRun& r) const override {
    const Tensor& x = r.in(0);
    const Tensor &cosines = r.in(cosines_at()), &sines = r.in(cosines_at() + 1);
    const Tensor& y = r.out(0);
    bool with_positions = r.has(positions_at());
    if (with_positions) ENGINE_TRY(check_positions(r));
    return r.parallel(batch_ * time_ * heads_, double(depth_) * 2, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t head = i % heads_, t = i / heads_ % time_, b = i / heads_ / time_;
        int64_t row = !with_positions ? b * time_ + t : position(r, b, t);
        int64_t at = flat_ ? ((b * time_ + t) * heads_ + head) * depth_ : ((b * heads_ + head) * time_ + t) * depth_;
        rotate(x, y, at, cosines, sines, row * half_);
      }
    });
  }

 protected:
  virtual int positions_at() const { return 3; }
  virtual int cosines_at() const { return 1; }
  virtual bool offset_positions() const { return false; }

 private:
  Status infer_rotation(InferContext& c, const Shape& x, int positions, int cosines) {
    const Shape &cs = c.shape(cosines), &sn = c.shape(cosines + 1);
    flat_ = x.rank() == 3;
    int64_t heads = c.attr_int("num_heads", 0), rotary = c.attr_int("rotary_embedding_dim", 0);
    batch_ = x[0];
    if (!flat_) {
      heads_ = x[1], time_ = x[2], depth_ = x[3];
    } else {
      if (heads <= 0 && rotary == 0 && cs.rank() >= 1) heads = cs.back() > 0 ? x[2] / (2 * cs.back()) : 0;
      if (heads <= 0 || x[2] % heads != 0) return error(Code::InvalidModel, "num_heads is %lld, input has shape %s", (long long)heads, x.text().c_str());
      heads_ = heads, time_ = x[1], depth_ = x[2] / heads;
    }
    if (rotary == 0) rotary = depth_;
    half_ = rotary / 2;
    if (rotary < 0 || rotary > depth_ || rotary % 2 != 0) return error(Code::InvalidModel, "rotary_embedding_dim is %lld, the head size %lld", (long long)rotary, (long long)depth_);
    bool with_positions = c.has_input(positions);
    bool fits = cs == sn && cs.rank() == (with_positions ? 2 : 3) && cs.back() == half_;
    if (fits && !with_positions) fits = cs[0] == batch_ && cs[1] == time_;
    if (!fits)
      return error(Code::InvalidModel, "caches have shapes %s and %s, input %s", cs.text().c_str(), sn.text().c_str(), x.text().c_str());
    if (!with_positions || !c.known(positions)) return {};
    const Shape& p = c.shape(positions);
    bool one = offset_positions() && p.rank() < 2 && p.elements() == 1;
    if (!one && !(p == Shape{batch_, time_})) return error(Code::InvalidModel, "positions have shape %s, input %s", p.text().c_str(), x.text().c_str());
    return {};
  }

  int64_t position(OpRun& r, int64_t b, int64_t t) const {
    const int64_t* p = r.in<int64_t>(positions_at());
    return offset_positions() && r.in(positions_at()).shape.rank() < 2 ? p[0] + t : p[b * time_ + t];
  }

  Status check_positions(OpRun& r) const {
    int64_t rows = r.in(cosines_at()).shape[0];
    for (int64_t b = 0; b < batch_; ++b)
      for (int64_t t = 0; t < time_; ++t)
        if (position(r, b, t) < 0 || position(r, b, t) >= rows)
          return error(Code::InvalidModel, "position %lld is out of range; the caches have %lld rows", (long long)position(r, b, t), (long long)rows);
    return {};
  }

  void rotate(const Tensor& x, const Tensor& y, int64_t at, const Tensor& cosines, const Tensor& sines, int64_t cache) const {
    for (int64_t j = 0; j < half_; ++j) {
      int64_t i1 = at + (interleaved_ ? 2 * j : j), i2 = interleaved_ ? i1 + 1 : i1 + half_;
      float x1 = load_float(x, i1), x2 = load_float(x, i2), cosine = load_float(cosines, cache + j), sine = load_float(sines, cache + j);
      store_float(y, i1, cosine * x1 - sine * x2);
      store_float(y, i2, sine * x1 + cosine * x2);
    }
    for (int64_t j = 2 * half_; j < depth_; ++j) store_float(y, at + j, load_float(x, at + j));
  }

  bool interleaved_ = false, flat_ = false;
  int64_t batch_ = 0, heads_ = 1, time_ = 1, depth_ = 0, half_ = 0;
};

class MicrosoftRotaryEmbedding final : public RotaryEmbedding {
 public:
  Status infer(InferContext& c) override {
    if (c.attr_float("scale", 1) != 1) return error(Code::UnsupportedOperator, "scale is %g; only 1 is supported", c.attr_float("scale", 1));
    return RotaryEmbedding::infer(c);
  }

 protected:
  int positions_at() const override { return 1; }
  int cosines_at() const override { return 2; }
  bool offset_positions() const override { return true; }
};

}  // namespace

void op_rotary_embedding(OpTable& t) {
  t.add<RotaryEmbedding>("", "RotaryEmbedding", 23, 3, 4);
  t.add<MicrosoftRotaryEmbedding>("com.microsoft", "RotaryEmbedding", 1, 4, 4);
}

}  // namespace engine
